package evidence

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// An entry with everything that the fast reader knows, and what it has to
// leave to the general one.
const (
	plainLog = `{"archive":"5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d","collector":{"host":"hö","name":"rainlogs","version":"1"},` +
		`"content":{"bytes":9,"first_event":"2026-11-23T12:57:00.1Z","last_event":"2026-11-23T13:59:00Z","lines":2,` +
		`"merkle_root":"00000000000000000000000000000000000000000000000000000000000000ff",` +
		`"sha256":"abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789",` +
		`"tally":{"bucket":60,"from":"2026-11-23T12:57:00Z","rows":[[0,0,1,0,0,0,0],[62,0,0,0,1,0,0]],"untimed":[0,0,0,0,0,7]}},` +
		`"dataset":"http_requests","kind":"log","later":{"a":[1,null,"x"]},` +
		`"object":{"bytes":1234,"key":"logs/x","sha256":"abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"},` +
		`"prev":"abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789","sealed_at":"2026-11-23T14:05:00.123Z","seq":42,` +
		`"source":{"complete":true,"fields_seq":3,"plugin":"logpull","retrieved_at":"2026-11-23T14:05:00Z","timestamps":"unixnano","version":"1"},` +
		`"v":1,"window":{"end":"2026-11-23T14:00:00Z","start":"2026-11-23T13:00:00Z"},"zone":"0123"}`
	plainGap = `{"gap":{"detail":"d","later":0,"reason":"too_old"},"kind":"gap","seq":-7,"v":2,"window":{"later":[]},"zone":""}`
)

func TestDecodePlain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{plainLog, plainGap, `{}`, `{"content":{"tally":{"rows":[]}}}`,
		`{"sealed_at":"0000-02-29T23:59:59.123456789Z"}`, `{"sealed_at":"9999-12-31T00:00:00.000000001Z"}`} {
		got, ok := decodePlain([]byte(text))
		want, err := decodeAny([]byte(text))
		if !ok || err != nil {
			t.Fatalf("%s: the fast reader says %v, the general one %v", text, ok, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s is read in two ways:\n%s", text, d)
		}
	}
	for _, change := range [][2]string{
		{`"seq":42`, `"seq":042`},
		{`"seq":42`, `"seq":42.5`},
		{`"seq":42`, `"seq":1000000000000000`},
		{`"seq":42`, `"seq":"42"`},
		{`"complete":true`, `"complete":1`},
		{`"complete":true`, `"complete":null`},
		{`"prev":"a`, `"prev":"A`},
		{`"prev":"a`, `"prev":"`},
		{`13:00:00Z`, `13:00:00.0Z`},
		{`13:00:00Z`, `13:00:00,5Z`},
		{`13:00:00Z`, `13:00:00+00:00`},
		{`11-23T13:00:00Z`, `02-30T13:00:00Z`},
		{`11-23T13:00:00Z`, `00-23T13:00:00Z`},
		{`11-23T13:00:00Z`, `11-00T13:00:00Z`},
		{`13:00:00Z`, `24:00:00Z`},
		{`13:00:00Z`, `13:60:00Z`},
		{`13:00:00Z`, `13:00:60Z`},
		{`13:00:00Z`, `13:00:00.1234567891Z`},
		{`13:00:00Z`, `13:00:00.Z`},
		{`13:00:00Z`, `13:00:00.x1Z`},
		{`13:00:00Z`, `13:00:00`},
		{`13:00:00Z`, `13:00Z`},
		{`"2026-11-23T13:00:00Z"`, `null`},
		{`[62,0,0,0,1,0,0]`, `[62,0,0,0,1,0]`},
		{`[62,0,0,0,1,0,0]`, `[62,0,0,0,1,0,0,0]`},
		{`[62,0,0,0,1,0,0]`, `[]`},
		{`,"zone":`, `,"zone":"","zone":`},
		{`,"zone":`, `,"object":{},"zone":`},
		{`"zone":"`, `"zone":"\u0041`},
		{`"zone":"`, "\"zone\":\"\xff"},
		{`"zone":"`, "\"zone\":\"\x01"},
		{`"later":{`, `"later":{ `},
		{`"later":{`, `"later":{"b":1,`},
		{`"later":`, `"läter":`},
		{`{"bytes":1234`, `{"ack":1,"bytes":1,"displaced":[]`},
		{`"kind":"log"`, `"key":{},"kind":"key"`},
		{`"0123"}`, `"0123","stores":["a"]}`},
		{`"0123"}`, `"0123"}x`},
		{`"0123"}`, `"0123",}`},
		{`"0123"}`, `"0123"`},
		{`"0123"}`, `"0123`},
		{`{"archive"`, `["archive"`},
	} {
		text := strings.Replace(plainLog, change[0], change[1], 1)
		if text == plainLog {
			t.Fatalf("%v changes nothing", change)
		}
		if _, ok := decodePlain([]byte(text)); ok {
			t.Errorf("%v: the fast reader takes it", change)
		}
	}
}

// FuzzDecodePlain holds the fast reader to the general one: what it takes the
// other takes too, and reads the same.
func FuzzDecodePlain(f *testing.F) {
	for _, text := range []string{plainLog, plainGap, `{}`, `{"content":{"tally":{"rows":[],"untimed":[1,2,3,4,5,6]}}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := decodePlain(b)
		if !ok {
			return
		}
		want, err := decodeAny(b)
		if err != nil {
			t.Fatalf("%q: the fast reader takes it, the general one says %v", b, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q is read in two ways:\n%s", b, d)
		}
	})
}
