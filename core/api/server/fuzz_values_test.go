//go:build !race

package server

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// schema is as much of JSON Schema as the document uses.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"` // a name, or several
	Format     string             `json:"format"`
	Pattern    string             `json:"pattern"`
	Enum       []any              `json:"enum"`
	MinLength  int                `json:"minLength"`
	MaxLength  *int               `json:"maxLength"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
	MaxItems   *int               `json:"maxItems"`
	Items      *schema            `json:"items"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
}

// is the type, and whether it may be null.
func (s *schema) is() (name string, nullable bool) {
	switch v := s.Type.(type) {
	case string:
		return v, false
	case []any:
		for _, t := range v {
			if t == "null" {
				nullable = true
			} else {
				name, _ = t.(string)
			}
		}
	}
	return name, nullable
}

func (s *schema) longest(otherwise int) int {
	if s.MaxLength != nil {
		return *s.MaxLength
	}
	return otherwise
}

// mark begins what no answer may repeat.
const mark = "Zq7§canary"

// values makes values by their schemas. faults says how many sixteenths of
// them are to be wrong.
type values struct {
	*rapid.T
	of     func(ref string) *schema
	known  map[string][]string // what stands for something, by the member's name
	faults int
	given  []string // what was made up: not to be repeated
}

func (v *values) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(v.T, label)
}

func (v *values) wrong() bool { return rapid.IntRange(0, 15).Draw(v.T, "wrong") >= 16-v.faults }

// seldom is for what is wrong enough by itself.
func (v *values) seldom() bool {
	first, second := v.wrong(), v.wrong()
	return first && second
}

func (v *values) resolve(s *schema) *schema {
	if s != nil && s.Ref != "" {
		return v.of(s.Ref)
	}
	return s
}

// json makes a value as it stands in a body.
func (v *values) json(name string, s *schema) string {
	s = v.resolve(s)
	if v.wrong() {
		return v.spoilt(name, s)
	}
	kind, nullable := s.is()
	if nullable && rapid.IntRange(0, 7).Draw(v.T, "null") == 7 {
		return "null"
	}
	switch kind {
	case "object":
		return v.object(s)
	case "array":
		most := 3
		if s.MaxItems != nil {
			most = min(most, *s.MaxItems)
		}
		var items []string
		for range rapid.IntRange(0, most).Draw(v.T, "items") {
			items = append(items, v.json(name, s.Items))
		}
		return "[" + strings.Join(items, ",") + "]"
	case "string":
		return quoted(v.plain(name, s))
	}
	return v.plain(name, s)
}

func (v *values) object(s *schema) string {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(s.Required, name) && rapid.Bool().Draw(v.T, "left out") {
			continue
		}
		if v.seldom() {
			continue // a required one too
		}
		members = append(members, quoted(name)+":"+v.json(name, s.Properties[name]))
	}
	if v.wrong() && len(members) > 0 {
		members = append(members, rapid.SampledFrom(members).Draw(v.T, "twice"))
	}
	if v.wrong() {
		members = append(members, v.pick("strange", `"`+mark+`":1`, `"":null`, `"__proto__":{}`, `"NAME":"x"`, `"\u0000":[]`, `"$schema":"x"`))
	}
	return "{" + strings.Join(rapid.Permutation(members).Draw(v.T, "order"), ",") + "}"
}

// plain is a value that fits, as it stands in a query.
func (v *values) plain(name string, s *schema) string {
	s = v.resolve(s)
	kind, _ := s.is()
	switch {
	case len(s.Enum) > 0:
		return fmt.Sprint(rapid.SampledFrom(s.Enum).Draw(v.T, name))
	case kind == "boolean":
		return v.pick(name, "true", "false")
	case kind == "integer" || kind == "number":
		low, high := bounds(s)
		return strconv.FormatInt(rapid.Int64Range(low, high).Draw(v.T, name), 10)
	case s.Format == "date-time":
		return v.time(name)
	case len(v.known[name]) > 0 && rapid.IntRange(0, 7).Draw(v.T, "known") > 0:
		return rapid.SampledFrom(v.known[name]).Draw(v.T, name)
	}
	most := s.longest(300)
	gen := rapid.StringN(s.MinLength, min(most, 300), -1)
	if s.Pattern != "" {
		gen = rapid.StringMatching(s.Pattern)
	}
	text := gen.Filter(func(t string) bool {
		n := utf8.RuneCountInString(t)
		return n >= s.MinLength && n <= most
	}).Draw(v.T, name)
	v.given = append(v.given, text)
	return text
}

func bounds(s *schema) (low, high int64) {
	low, high = -1<<40, 1<<40
	if s.Minimum != nil {
		low = int64(*s.Minimum)
	}
	if s.Maximum != nil {
		high = int64(*s.Maximum)
	}
	return low, high
}

func (v *values) time(name string) string {
	at := time.Unix(rapid.Int64Range(-1<<32, 1<<37).Draw(v.T, name), rapid.Int64Range(0, 999_999_999).Draw(v.T, "ns"))
	if rapid.Bool().Draw(v.T, "near") {
		at = time.Unix(1_795_392_000+rapid.Int64Range(-90_000, 90_000).Draw(v.T, name), 0)
	}
	zone := time.FixedZone("", 60*rapid.IntRange(-720, 720).Draw(v.T, "zone"))
	if y := at.In(zone).Year(); y < 0 || y > 9999 {
		zone = time.UTC
	}
	text := at.In(zone).Format(v.pick("precision", time.RFC3339, time.RFC3339Nano))
	v.given = append(v.given, text)
	return text
}

// nearly is text that misses what is wanted by little, or by much.
func (v *values) nearly(name string, s *schema) string {
	text := v.missed(name, s)
	v.given = append(v.given, text)
	return text
}

func (v *values) missed(name string, s *schema) string {
	kind, _ := s.is()
	switch {
	case kind == "integer" || kind == "number":
		low, high := bounds(s)
		return v.pick(name, fmt.Sprint(low-1), fmt.Sprint(high+1), "1.5", "0x10", "1e2", "-0", "+1", " 1", "٣", "", "NaN", "1_000",
			"9223372036854775808", strings.Repeat("9", 400), mark)
	case kind == "boolean":
		return v.pick(name, "", "TRUE", "1", "yes", mark)
	case len(s.Enum) > 0:
		valid := fmt.Sprint(rapid.SampledFrom(s.Enum).Draw(v.T, name))
		return v.pick("near", strings.ToUpper(valid), valid+" ", valid+"\x00", valid[1:], "", mark)
	case s.Format == "date-time":
		return v.pick(name, "", "now", "2026-02-30T00:00:00Z", "2026-11-23", "2026-11-23 00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T00:00:60Z",
			"10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2026-11-23T00:00:00", "2026-11-23T00:00:00+25:00", "1795392000", mark)
	}
	valid := v.plain(name, s)
	long := strings.Repeat("x", s.longest(400)+1)
	return v.pick("near", "", valid+"\n", " "+valid, valid+"\u202e", valid+"/../x", "\x00"+valid, "é"+valid, "e\u0301", long, "..", "%2e%2e%2f", "null",
		strings.ToUpper(valid), "'; DROP TABLE zones --", "<script>alert(1)</script>", "${jndi:ldap://x}", "\ufeff", "\U0010ffff", "\xff\xfe", mark, strings.Repeat(mark, 40))
}

// spoilt is a value that should not stand in a body there.
func (v *values) spoilt(name string, s *schema) string {
	if rapid.Bool().Draw(v.T, "nearly") {
		text := v.nearly(name, s)
		if kind, _ := s.is(); kind != "string" && text != "" && rapid.Bool().Draw(v.T, "bare") {
			return text
		}
		return quoted(text)
	}
	return v.pick(name, "null", "true", "0", "-1", "1e400", "1e308", "-1e-400", "12345678901234567890123", "[]", "{}", `""`, `[null]`, `{"a":1,"a":2}`,
		quoted(mark), `"\ud800"`, `"\udc00\ud800"`, `"\u0000"`, `"\u202e"`, `"\x"`, `"`+"\x01"+`"`, `"`+"\xff"+`"`, "", "nul", `"`,
		strings.Repeat("[", 500)+strings.Repeat("]", 500), strings.Repeat(`{"a":`, 300)+"1"+strings.Repeat("}", 300), strings.Repeat("[", 20_000))
}

// quoted is a JSON string with the bytes as they are where JSON allows that, invalid UTF-8 included.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
