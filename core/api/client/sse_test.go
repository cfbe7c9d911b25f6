package client

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func eventsIn(text string) (all []sent, err error) {
	for e, err := range events(strings.NewReader(text)) {
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
	return all, nil
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]sent{
		"":                                    nil,
		"\n\n":                                nil,
		"data: a\n\n":                         {{"", "a"}},
		"data: a\n":                           nil, // its end never came
		"data: a":                             nil,
		"\ufeffdata:a\n\n":                    {{"", "a"}},
		"event: e\r\ndata:  a\r\n\r\n":        {{"e", " a"}},
		"event: e\n\ndata: a\n\n":             {{"", "a"}}, // what has no data is forgotten
		"data: a\rdata: b\r\rdata:\r\r\n\n":   {{"", "a\nb"}, {"", ""}},
		"data\ndata\n\n":                      {{"", "\n"}},
		"id: 1\nretry: 2\nother\ndata: a\n\n": {{"", "a"}},
		": c\nevent: x\nevent: y\ndata: a\ndata: b\n\ndata: c\n\n": {{"y", "a\nb"}, {"", "c"}},
	} {
		got, err := eventsIn(text)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(sent{})); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
	}
}

// What is read of a stream, written again, is read as the same.
func FuzzEvents(f *testing.F) {
	f.Add("event: zone\ndata: {}\n\n: here\n\n")
	f.Add("data: a\r\ndata\r\n\r\n\ufeff")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := eventsIn(text)
		if err != nil {
			if !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		var b strings.Builder
		for _, e := range got {
			b.WriteString("event: " + e.event + "\n")
			for line := range strings.SplitSeq(e.data, "\n") {
				b.WriteString("data: " + line + "\n")
			}
			b.WriteString("\n")
		}
		again, err := eventsIn(b.String())
		if diff := cmp.Diff(got, again, cmp.AllowUnexported(sent{})); diff != "" || err != nil {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}
