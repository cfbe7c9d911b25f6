package jsonline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jsonline"
)

func TestScan(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct {
		a, b string
		err  error
	}{
		`{"a":1,"b":"x"}`:                      {"1", `"x"`, nil},
		` { "b" : [1,{"a":2}] , "a" : null } `: {"null", `[1,{"a":2}]`, nil},
		`{}`:                                   {"", "", nil},
		"{\"a\":1}\r":                          {"1", "", nil},
		`{"a":1,"a":2}`:                        {"1", "", nil},
		`{"c":"\"a\":5,","a":"\\","b":"\\\""}`: {`"\\"`, `"\\\""`, nil},
		`{"c":{"a":1,"x":"}"},"b":true}`:       {"", "true", nil},
		`{"\u0061":1}`:                         {"", "", nil},
		`{"a":1`:                               {"1", "", jsonline.ErrCutShort},
		`{"a":"1`:                              {"", "", jsonline.ErrCutShort},
		`{"a":1,`:                              {"1", "", jsonline.ErrCutShort},
		`{"a":[1`:                              {"", "", jsonline.ErrCutShort},
		`{"a"`:                                 {"", "", jsonline.ErrCutShort},
		`{`:                                    {"", "", jsonline.ErrCutShort},
		`{"a":1}x`:                             {"1", "", jsonline.ErrMalformed},
		`{"a" 1}`:                              {"", "", jsonline.ErrMalformed},
		`{"a":?}`:                              {"", "", jsonline.ErrMalformed},
		`{a:1}`:                                {"", "", jsonline.ErrMalformed},
		`{"a":1 "b":2}`:                        {"1", "", jsonline.ErrMalformed},
		`{"a":1}{"b":2}`:                       {"1", "", jsonline.ErrMalformed},
		`[1]`:                                  {"", "", jsonline.ErrNotObject},
		``:                                     {"", "", jsonline.ErrNotObject},
		`Error streaming data.`:                {"", "", jsonline.ErrNotObject},
	} {
		s := jsonline.NewScanner([]string{"a", "b"}, []string{"a", "b", "c"})
		for pass := range 2 { // the second with a remembered shape
			values, err := s.Scan([]byte(line))
			if !errors.Is(err, want.err) || string(values[0]) != want.a || string(values[1]) != want.b {
				t.Errorf("pass %d of %s: %q, %v, want %+v", pass, line, values, err, want)
			}
		}
	}
}

func TestScanAcrossShapes(t *testing.T) {
	t.Parallel()
	s := jsonline.NewScanner([]string{"a", "b"}, []string{"a", "b"})
	var unknown []string
	s.Unknown = func(name string) { unknown = append(unknown, name) }
	for i, line := range []string{`{"a":1,"b":2}`, `{"b":3,"a":4}`, `{"x":0,"a":5}`, `{"x":0,"a":6}`, `{"b":7}`} {
		values, err := s.Scan([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		want := [][2]string{{"1", "2"}, {"4", "3"}, {"5", ""}, {"6", ""}, {"", "7"}}[i]
		if string(values[0]) != want[0] || string(values[1]) != want[1] {
			t.Errorf("%s: %q", line, values)
		}
	}
	if diff := cmp.Diff([]string{"x"}, unknown); diff != "" {
		t.Error(diff)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]any{
		`0`: int64(0), `-1`: int64(-1), `9223372036854775807`: int64(math.MaxInt64), `-9223372036854775808`: int64(math.MinInt64),
		`"200"`: int64(200), `9223372036854775808`: nil, `1.0`: nil, `1e3`: nil, `"x"`: nil, `""`: nil, `true`: nil, `null`: nil, `+1`: nil, `[1]`: nil,
	} {
		n, ok := jsonline.Int([]byte(v))
		if ok != (want != nil) || ok && n != want {
			t.Errorf("Int(%s) is %d, %v", v, n, ok)
		}
	}
	for v, want := range map[string]any{
		`1.5`: 1.5, `-2`: -2.0, `1e3`: 1000.0, `"2.5"`: 2.5, `1e999`: nil, `"NaN"`: nil, `"inf"`: nil, `0x10`: nil, `true`: nil, ``: nil,
	} {
		f, ok := jsonline.Float([]byte(v))
		if ok != (want != nil) || ok && f != want {
			t.Errorf("Float(%s) is %v, %v", v, f, ok)
		}
	}
	for v, want := range map[string]any{`true`: true, `false`: false, `"true"`: true, `1`: nil, `null`: nil} {
		b, ok := jsonline.Bool([]byte(v))
		if ok != (want != nil) || ok && b != want {
			t.Errorf("Bool(%s) is %v, %v", v, b, ok)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]string{
		`"plain"`: "plain", `""`: "", `"\u00e8\n\"\\\/"`: "è\n\"\\/", `"\ud83d\ude00"`: "😀", `"\ud83d"`: `\ud83d`,
		"\"\xff\"": "\uFFFD", "\"\xff\\n\"": "\uFFFD\n", `17`: "17", `{"a":1}`: `{"a":1}`, `"\q"`: `\q`, `true`: "true",
	} {
		if got := string(jsonline.AppendText(nil, []byte(v))); got != want {
			t.Errorf("text of %s is %q, want %q", v, got, want)
		}
		if got := string(jsonline.AppendText([]byte("kept"), []byte(v))); got != "kept"+want {
			t.Errorf("appended text of %s is %q", v, got)
		}
		if plain, ok := jsonline.Plain([]byte(v)); ok && string(plain) != want {
			t.Errorf("plain text of %s is %q", v, plain)
		}
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	for v, want := range map[string][]string{
		`[]`: {}, `[ ]`: {}, `[1]`: {"1"}, `[ "a,b" , [1,2] , {"x":"]"} ]`: {`"a,b"`, `[1,2]`, `{"x":"]"}`},
		`{}`: nil, `[1`: nil, `[1,]`: nil, `[1 2]`: nil, `[`: nil, `"x"`: nil, ``: nil, `[]]`: nil,
	} {
		got, ok := jsonline.Elements(nil, []byte(v))
		if ok != (want != nil) {
			t.Errorf("%s: ok is %v", v, ok)
		}
		for i := range want {
			if string(got[i]) != want[i] {
				t.Errorf("%s: %q", v, got)
			}
		}
	}
}

// FuzzScan holds the scanner to encoding/json on well-formed lines and the
// event time to the sealed measure's.
func FuzzScan(f *testing.F) {
	f.Add([]byte(`{"EdgeStartTimestamp":1700000000123456789,"a":"x\"y"}`))
	f.Add([]byte(`{"x":{"EdgeStartTimestamp":5},"EdgeStartTimestamp":"17"}`))
	f.Add([]byte(`{"x":"\\","EdgeStartTimestamp":1,"EdgeStartTimestamp":2}`))
	f.Add([]byte(" {\t\"EdgeStartTimestamp\" : 12\r, \"a\":[{}]}"))
	f.Add([]byte(`{"EdgeStartTimestamp":[5,6]}`))
	clock := evidence.NewEventClock("EdgeStartTimestamp", "unixnano")
	f.Fuzz(func(t *testing.T, line []byte) {
		s := jsonline.NewScanner([]string{"EdgeStartTimestamp", "a"}, nil)
		values, err := s.Scan(line)
		for _, v := range values {
			_, _ = jsonline.Int(v)
			_, _ = jsonline.Float(v)
			if v != nil {
				_ = jsonline.AppendText(nil, v)
				_, _ = jsonline.Elements(nil, v)
			}
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(line, &object) != nil || object == nil {
			return
		}
		if err != nil {
			t.Fatalf("a valid object is refused: %v", err)
		}
		got, ok := jsonline.Time(values[0], "unixnano")
		want, wantOK := clock.Read(line)
		if got != want && ok || ok != wantOK {
			t.Fatalf("event time %d, %v; sealed as %d, %v", got, ok, want, wantOK)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	line := []byte(`{`)
	var names []string
	for i := range 100 {
		if i > 0 {
			line = append(line, ',')
		}
		names = append(names, fmt.Sprintf("FieldNumber%d", i))
		line = fmt.Appendf(line, `%q:"a value %d"`, names[i], i)
	}
	line = append(line, '}')
	s := jsonline.NewScanner(names[50:52], names)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := s.Scan(line); err != nil {
			b.Fatal(err)
		}
	}
}
