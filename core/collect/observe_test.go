package collect_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// TestStatements: what the operator says of the stores stands in the chain
// before any object that goes there, and once for as long as it stays the same.
func TestStatements(t *testing.T) {
	t.Parallel()
	b := setup(t)
	value, broken := `{"stores":["one"]}`, errors.New("cannot say")
	b.says = func() ([]evidence.Observation, error) {
		return []evidence.Observation{{Topic: evidence.TopicStores, Value: json.RawMessage(value)}}, nil
	}
	for _, r := range []struct {
		hours int
		value string
	}{{1, value}, {2, value}, {3, `{"stores":["two"]}`}} {
		value = r.value
		_, err := b.collect(request(r.hours))
		b.must(err)
	}
	b.checkSealed(request(3))
	var said []string
	for i, e := range b.entries() {
		switch {
		case e.Kind == evidence.KindObservation && e.Observation.Topic == evidence.TopicStores:
			said = append(said, string(e.Observation.Value))
		case i == 0:
			t.Errorf("the first entry is a %s entry", e.Kind)
		}
	}
	if len(said) != 2 || said[0] != `{"stores":["one"]}` || said[1] != `{"stores":["two"]}` {
		t.Errorf("said %v", said)
	}
	b.says = func() ([]evidence.Observation, error) { return nil, broken }
	if sum, err := b.collect(request(4)); err == nil && sum.Sealed > 0 {
		t.Errorf("a window was sealed though nothing could be said of its store: %+v", sum)
	}
}
