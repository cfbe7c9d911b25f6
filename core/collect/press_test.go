package collect

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// held is a body that says when it is read, and yields when it is let.
type held struct {
	began, let chan struct{}
	then       io.Reader
}

func (h *held) Read(b []byte) (int, error) {
	if h.let != nil {
		close(h.began)
		<-h.let
		h.let = nil
	}
	return h.then.Read(b) //nolint:wrapcheck // io.Reader's own
}

func streamOf(body io.Reader) *source.Stream {
	return &source.Stream{
		Encoding: source.Identity, Timestamps: source.UnixNano, Body: io.NopCloser(body),
		Trailer: func() (source.Trailer, error) { return source.Trailer{Lines: -1}, nil },
	}
}

// TestTurns: a window that waits for its source keeps none from being pressed, though
// one at a time is.
func TestTurns(t *testing.T) {
	t.Parallel()
	p, err := newPress()
	if err != nil {
		t.Fatal(err)
	}
	p.turns = make(chan struct{}, 1)
	dir, lines := t.TempDir(), sampleLines(1<<20)
	dataset := source.Dataset{TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}
	slow := &held{began: make(chan struct{}), let: make(chan struct{}), then: bytes.NewReader(lines)}
	let := slow.let
	type result struct {
		*spooled
		err error
	}
	results := make(chan result)
	go func() {
		s, err := p.spool(t.Context(), filepath.Join(dir, "slow"), streamOf(slow), dataset, spoolLimits{1 << 40})
		results <- result{s, err}
	}()
	<-slow.began
	for range 3 {
		s, err := p.spool(t.Context(), filepath.Join(dir, "quick"), streamOf(bytes.NewReader(lines)), dataset, spoolLimits{1 << 40})
		if err != nil || s.content.Bytes != int64(len(lines)) {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	close(let)
	if r := <-results; r.err != nil || r.content.Bytes != int64(len(lines)) {
		t.Fatalf("%+v, %v", r.spooled, r.err)
	}
	if len(p.turns) != 0 {
		t.Error("a turn was not given back")
	}
}

// TestTurnsGivenBack: what goes wrong gives its turn back too.
func TestTurnsGivenBack(t *testing.T) {
	t.Parallel()
	p, err := newPress()
	if err != nil {
		t.Fatal(err)
	}
	dataset := source.Dataset{TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}
	for _, st := range []*source.Stream{
		{Encoding: "brotli", Body: io.NopCloser(bytes.NewReader(nil))},
		{Encoding: source.Gzip, Body: io.NopCloser(bytes.NewReader([]byte("no gzip at all")))},
		{Encoding: source.Gzip, Body: io.NopCloser(io.MultiReader(bytes.NewReader([]byte{0x1f, 0x8b}), &held{then: bytes.NewReader(nil)}))},
		streamOf(bytes.NewReader(sampleLines(1 << 20))), // more than the limit
	} {
		if _, err := p.spool(t.Context(), filepath.Join(t.TempDir(), "spool"), st, dataset, spoolLimits{1000}); err == nil {
			t.Errorf("%s: no error", st.Encoding)
		}
		if len(p.turns) != 0 {
			t.Fatalf("%s: a turn was not given back", st.Encoding)
		}
	}
}
