package lookup

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/filter"
	"github.com/fabriziosalmi/rainlogs/query/schema"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// conditions turns filters into SQL. Values come from logs and from people:
// a question has them as parameters, and a statement for people as literals.
type conditions struct {
	kinds  map[string]investigate.Kind
	params map[string]any // nil: literals
}

// where is a WHERE clause with a leading space, "" without a condition.
func (s *scope) where() (clause string, params map[string]any, err error) {
	c := conditions{s.kinds, map[string]any{}}
	parts, err := c.all(s.view.Filters)
	if err != nil || len(parts) == 0 {
		return "", nil, err
	}
	return " WHERE " + strings.Join(parts, " AND "), c.params, nil
}

func (c *conditions) all(filters []inquiry.Filter) (parts []string, err error) {
	for _, f := range filters {
		part, err := c.one(f)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// value is how a value is written.
func (c *conditions) value(v any) string {
	if c.params != nil {
		name := "f" + strconv.Itoa(len(c.params))
		c.params[name] = v
		return "$" + name
	}
	if text, ok := v.(string); ok {
		return quoteText(text)
	}
	return fmt.Sprint(v)
}

// one is a filter's condition. Errors wrap inquiry.ErrFilter.
func (c *conditions) one(f inquiry.Filter) (string, error) {
	if err := f.Check(); err != nil {
		return "", fmt.Errorf("%s: %w", f, err)
	}
	kind, known := c.kinds[f.Field]
	if !known {
		kind = investigate.Other // a field that only the records show
	}
	field := quoteName(f.Field)
	text := field
	if kind != investigate.Text && kind != investigate.Address {
		text = "CAST(" + field + " AS VARCHAR)"
	}
	switch f.Op {
	case inquiry.Absent:
		return field + " IS NULL", nil
	case inquiry.Present:
		return field + " IS NOT NULL", nil
	case inquiry.Contains:
		return c.contains(text, f.Value), nil
	case inquiry.Lacks:
		return "NOT coalesce(" + c.contains(text, f.Value) + ", false)", nil
	case inquiry.Like:
		return "regexp_matches(" + text + ", " + c.value(f.Value) + ")", nil
	case inquiry.Unlike:
		return "NOT coalesce(regexp_matches(" + text + ", " + c.value(f.Value) + "), false)", nil
	case inquiry.Inside:
		return "ip_in(" + text + ", " + c.value(network(f.Value)) + ")", nil
	case inquiry.Outside:
		return "NOT coalesce(ip_in(" + text + ", " + c.value(network(f.Value)) + "), false)", nil
	}
	return c.compare(f, kind, field, text)
}

func (c *conditions) contains(text, part string) string {
	return "contains(lower(" + text + "), lower(" + c.value(part) + "))"
}

// compare orders by the field's kind: numbers as numbers, times as times.
func (c *conditions) compare(f inquiry.Filter, kind investigate.Kind, field, text string) (string, error) {
	op := string(f.Op)
	if f.Op == inquiry.Differs {
		op = "IS DISTINCT FROM"
	}
	switch kind {
	case investigate.Number:
		if n, err := strconv.ParseInt(f.Value, 10, 64); err == nil {
			return field + " " + op + " " + c.value(n), nil
		}
		n, err := strconv.ParseFloat(f.Value, 64)
		if err != nil {
			return "", fmt.Errorf("%s: %w: %.60q is not a number, which %s is", f, inquiry.ErrFilter, f.Value, f.Field)
		}
		return field + " " + op + " " + c.value(n), nil
	case investigate.Time:
		t, err := filter.ParseTime(f.Value)
		if err != nil {
			return "", fmt.Errorf("%s: %w: %.60q is not a time such as 2026-03-14T15:09:26Z", f, inquiry.ErrFilter, f.Value)
		}
		return field + " " + op + " " + timestamp(t), nil
	}
	return text + " " + op + " " + c.value(f.Value), nil
}

func timestamp(t time.Time) string { return fmt.Sprintf("make_timestamp_ns(%d)", t.UnixNano()) }

// network is a network or, of an address, that of it alone.
func network(text string) string {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a.WithZone(""), a.BitLen()).String()
	}
	return text
}

// timeOf is the event time as an expression of type TIMESTAMP_NS. A dataset that is not in
// the registry has its time in a JSON column, as its source writes it.
func timeOf(m evidence.MeterConfig, dataset string) string {
	field := quoteName(m.TimeField)
	if m.TimeField == schema.TimeField(dataset) {
		return field
	}
	text := "(" + field + " ->> '$')"
	switch m.Timestamps {
	case "rfc3339":
		return "TRY_CAST(" + text + " AS TIMESTAMP_NS)"
	case "unix":
		return "make_timestamp_ns(CAST(TRY_CAST(" + text + " AS DECIMAL(28,9)) * 1000000000 AS BIGINT))"
	}
	return "make_timestamp_ns(TRY_CAST(" + text + " AS BIGINT))"
}

// statusOf is the status as an expression of type BIGINT, NULL where a dataset has none.
func statusOf(m evidence.MeterConfig, kinds map[string]investigate.Kind) string {
	switch {
	case m.ClassField == "":
		return "CAST(NULL AS BIGINT)"
	case kinds[m.ClassField] == investigate.Number:
		return quoteName(m.ClassField)
	}
	return "TRY_CAST(" + quoteName(m.ClassField) + " ->> '$' AS BIGINT)"
}

// Statement is a view as SQL that a person can read and go on with.
func (l *Lookup) Statement(v inquiry.View) (string, error) {
	kinds := l.kindsOf(v.Dataset)
	c := conditions{kinds: kinds}
	parts, err := c.all(v.Filters)
	if err != nil {
		return "", err
	}
	at := schema.TimeField(v.Dataset)
	fields := "*"
	if at != "" {
		fields = strings.Join([]string{"EdgeStartTimestamp", "ClientIP", "ClientRequestMethod", "ClientRequestHost", "ClientRequestURI", "EdgeResponseStatus", "RayID"}, ", ")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "SELECT %s\nFROM logs\n", fields)
	for i, part := range parts {
		b.WriteString([]string{"WHERE ", "  AND "}[min(i, 1)] + part + "\n")
	}
	if at != "" {
		b.WriteString("ORDER BY " + at + "\n")
	}
	b.WriteString("LIMIT 1000")
	return b.String(), nil
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
func quoteText(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }
