package evidence

import (
	"strings"
	"testing"
)

var canonicalSeeds = []struct {
	text  string
	plain bool // the fast path must know it
	right bool // it is canonical
}{
	{`{}`, true, true},
	{`{"a":1,"b":[0,-7,{"c":null}],"d":"é€😀","e":true,"f":false,"g":{}}`, true, true},
	{`{"":1,"a":[]}`, true, true},
	{`{"a":"\n"}`, false, true},
	{`{"a":"\"\\"}`, false, true},
	{`{"é":1}`, false, true},
	{`{"a":1.5}`, false, true},
	{`{"a":1e+21}`, false, true},
	{`{"a":9007199254740991}`, false, true},
	{`{"a":9007199254740993}`, false, false},
	{`{"a":1e2}`, false, false},
	{`{"a":-0}`, false, false},
	{`{"a":01}`, false, false},
	{`{"a":1,}`, false, false},
	{`{"a":1}x`, false, false},
	{`{"a":1} `, false, false},
	{`{"b":1,"a":1}`, false, false},
	{`{"a":1,"a":1}`, false, false},
	{`{"a":"\u0041"}`, false, false},
	{`{"a":"\/"}`, false, false},
	{"{\"a\":\"\x7f\"}", true, true},
	{"{\"a\":\"\xff\"}", false, false},
	{"{\"a\":\"\x00\"}", false, false},
	{`{"a":nul}`, false, false},
	{`{"a":-}`, false, false},
	{`{"a"}`, false, false},
	{`{"a":[1,]}`, false, false},
	{`{"a":[`, false, false},
	{`{`, false, false},
	{`{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, false, true},
	// U+E000 sorts behind a surrogate pair in UTF-16, and before it in UTF-8.
	{"{\"\U0001F600\":1,\"\ue000\":2}", false, true},
	{"{\"\ue000\":1,\"\U0001F600\":2}", false, false},
}

func TestPlainCanonical(t *testing.T) {
	t.Parallel()
	for _, tc := range canonicalSeeds {
		if got := plainCanonical([]byte(tc.text)); got != tc.plain {
			t.Errorf("%q: the fast path says %v, want %v", tc.text, got, tc.plain)
		}
		if err := checkCanonical([]byte(tc.text)); (err == nil) != tc.right {
			t.Errorf("%q: %v, want canonical %v", tc.text, err, tc.right)
		}
	}
}

// FuzzCanonical holds the fast path to the slow one.
func FuzzCanonical(f *testing.F) {
	for _, tc := range canonicalSeeds {
		f.Add([]byte(tc.text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if plainCanonical(b) {
			if err := remakeCanonical(b); err != nil {
				t.Fatalf("%q: the fast path takes it, the slow one says %v", b, err)
			}
		}
	})
}
