package filter_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/filter"
)

func matcher(t testing.TB, texts ...string) *filter.Matcher {
	t.Helper()
	var filters []filter.Filter
	for _, text := range texts {
		f, err := filter.Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		filters = append(filters, f)
	}
	m, err := filter.NewMatcher(filters)
	if err != nil {
		t.Fatalf("%q: %v", texts, err)
	}
	return m
}

func TestMatch(t *testing.T) {
	t.Parallel()
	const line = `{"Status":200,"Nano":1795392000123456789,"When":"2026-11-23T00:00:01.5Z","IP":"2001:DB8::1","Old":"192.0.2.7",` +
		`"URI":"\/Wp-\u0041dmin?x=1","UA":"È Mozilla","Big":18446744073709551617,"Text":"9","Hex":"0x10","Yes":true,"None":null,"List":[1,"a"],` +
		`"Deep":{"Status":500},"Neg":-2.50,"Exp":12e-1,"Status":404}`
	for text, want := range map[string]bool{
		"Status=200": true, "Status=404": false, "Status=200.0": true, "Status=2e2": true, "Status!=200": false, "Status!=404": true, "Status=abc": false,
		"Status>=500": false, "Status>=200": true, "Status>199.99": true, "Status<1e3": true, "Status<=199": false, "Status>abc": false, "Status<abc": false,
		// Two numbers that are one as floats.
		"Nano=1795392000123456788": false, "Nano>1795392000123456788": true, "Nano<1795392000123456790": true, "Nano=1795392000123456789": true,
		"Big=18446744073709551617": true, "Big=18446744073709551616": false, "Big>18446744073709551616": true,
		"Nano>=2026-11-23T00:00:00Z": true, "Nano<2026-11-23T00:00:00.2Z": true, "Nano<2026-11-23": false, "Nano=2026-11-23T00:00:00.123456789Z": true,
		"Text<10": true, "Text=9.0": false, "Text=9": true, "Hex>1": false, "Neg=-2.5": true, "Neg<-2.4": true, "Neg<-2.6": false, "Exp=1.2": true, "Neg<0": true,
		"URI=/Wp-Admin?x=1": true, "URI*=wp-admin": true, "URI!*=wp-admin": false, "URI~(?i)admin\\?x=\\d$": true, "URI!~^/wp": true, "UA*=è moz": true, "UA>E": true,
		"IP in 2001:db8::/32": true, "IP in 2001:db8::1": true, "IP !in 2001:db8::/32": false, "Old in 192.0.2.9/24": true, "URI in 0.0.0.0/0": false, "URI !in 0.0.0.0/0": true,
		"Yes=true": true, "Yes=1": false, "Yes>0": false, "None absent": true, "None present": false, "None=null": false, "None!=x": true, "Gone absent": true,
		"Gone=": false, "Gone!=x": true, "Gone>0": false, "Gone<=0": false, "Gone!*=x": true, "Gone!~x": true, "Gone !in 0.0.0.0/0": true, "Gone*=x": false, "Gone~.*": false,
		"status=200": false, "List*=\"a\"": true, "Deep*=500": true, `Deep={"Status":500}`: true,
	} {
		if got := matcher(t, text).Match([]byte(line), "unixnano"); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
	for text, want := range map[string]bool{
		"When>=2026-11-23T00:00:01Z": true, "When>=2026-11-23T01:00:01+01:00": true, "When<2026-11-23 00:00:02": true, "When=2026-11-23T00:00:01.500Z": true, "When>2026-11-24": false,
	} {
		if got := matcher(t, text).Match([]byte(line), "rfc3339"); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
	for _, c := range []struct {
		want  bool
		where []string
	}{
		{true, nil}, {true, []string{"Status>100", "Status<300", "Text=9"}}, {false, []string{"Status>100", "Status<150"}}, {false, []string{"Text=8", "Status=200"}},
	} {
		if got := matcher(t, c.where...).Match([]byte(line), "unixnano"); got != c.want {
			t.Errorf("%q is %v", c.where, got)
		}
	}
	// What is no record has no members.
	for _, bad := range []string{"", "no JSON", `{"Status":200`, `[{"Status":200}]`, `{"Status":200}}`} {
		if matcher(t, "Status=200").Match([]byte(bad), "unixnano") || !matcher(t, "Status absent").Match([]byte(bad), "unixnano") {
			t.Errorf("%s has a member", bad)
		}
	}
}

func TestMatcherRefuses(t *testing.T) {
	t.Parallel()
	for _, f := range []filter.Filter{
		{Field: "a", Op: filter.Like, Value: "(a{100}){10}(b{1000}){1}c{1000}"}, {Field: "a", Op: filter.Like, Value: "("}, {Field: "a", Op: "?"}, {Field: "a", Op: filter.Inside, Value: "x"},
	} {
		if _, err := filter.NewMatcher([]filter.Filter{f}); !errors.Is(err, filter.ErrFilter) {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// FuzzNumbers holds the comparison to that of rationals.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0", "-0", "1", "1.0", "0.1e1", "10e-1", "1795392000123456789", "-1.5", "1e9", "00012", "0.00012", "1e-3", "-2e+2"} {
		f.Add(s, "1")
		f.Add("1.5", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 40 || len(b) > 40 || strings.ContainsAny(a+b, " \t\n\r=\"/_xXoObBpPinfINF") {
			return
		}
		var x, y big.Rat
		small := func(s string) bool { // a rational of a great exponent fills the memory
			_, e, _ := strings.Cut(strings.ToLower(s), "e")
			return len(strings.TrimLeft(e, "+-0")) < 4
		}
		if !small(a) || !small(b) {
			return
		}
		if _, ok := x.SetString(a); !ok || a[0] == '.' || a[0] == '+' || strings.HasSuffix(a, ".") {
			return
		}
		if _, ok := y.SetString(b); !ok {
			return
		}
		m, err := filter.NewMatcher([]filter.Filter{{Field: "a", Op: filter.Less, Value: b}})
		if err != nil {
			return
		}
		if strings.ContainsAny(a[:1]+b[:1], ".+") || strings.Contains(a+"|"+b+"|", ".|") || strings.Contains(strings.ToLower(a+b), ".e") || strings.Contains(a+b, "-.") {
			return // no number of JSON's
		}
		if got, want := m.Match([]byte(`{"a":`+a+`}`), "unixnano"), x.Cmp(&y) < 0; got != want {
			t.Errorf("%s < %s is %v", a, b, got)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	line := []byte(`{"ClientIP":"192.0.2.1","ClientRequestHost":"shop.example.eu","ClientRequestMethod":"GET","ClientRequestURI":"/p/1?utm=x","EdgeStartTimestamp":1795392000123456789,"EdgeResponseStatus":200,"ClientRequestUserAgent":"Mozilla/5.0 (X11; Linux x86_64)","RayID":"8f0e0d3f6b1a2c4d"}`)
	m := matcher(b, "EdgeResponseStatus>=500", "ClientRequestURI*=login")
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if m.Match(line, "unixnano") {
			b.Fatal("it matches")
		}
	}
}
