package site

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain\ttext\n{\"a\":\"é€😀\\n\"}\n": "plain\ttext\n{\"a\":\"é€😀\\n\"}\n",
		"\x1b]0;title\a\x1b[2J":             `\x1b]0;title\a\x1b[2J`,
		"a\rb\x00\x7f":                      `a\rb\x00\x7f`,
		"\u009b31m\u0085":                   `\u009b31m\u0085`,
		"\u202egnp.exe\u2066\u200f":         `\u202egnp.exe\u2066\u200f`,
		"\x9b31m\xff":                       `\x9b31m\xff`,
		"cut \xe2\x82":                      `cut \xe2\x82`,
		"\ufffd":                            "\ufffd",
	} {
		for _, size := range []int{1, 2, 3, 1000} { // runes fall apart between writes
			var out bytes.Buffer
			v := &visible{w: &out}
			for rest := []byte(text); len(rest) > 0; {
				n := min(size, len(rest))
				if written, err := v.Write(rest[:n]); written != n || err != nil {
					t.Fatalf("%d, %v", written, err)
				}
				rest = rest[n:]
			}
			if err := v.Close(); err != nil {
				t.Fatal(err)
			}
			if out.String() != want {
				t.Errorf("%q in pieces of %d: %s, want %s", text, size, out.String(), want)
			}
		}
	}
}

func TestPrintJSONIsHarmlessAndTheSame(t *testing.T) {
	t.Parallel()
	want := "a\x1b\x7f\u009b\u202e\U000e0001é\n"
	var out bytes.Buffer
	if err := PrintJSON(&out, map[string]string{"k": want}); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.String() {
		if r != '\n' && !printable(r) {
			t.Errorf("%q is in %q", r, out.String())
		}
	}
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got["k"] != want {
		t.Errorf("%q, %v, want %q", got["k"], err, want)
	}
}
