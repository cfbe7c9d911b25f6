package format

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fabriziosalmi/rainlogs/query"
)

// writeCSV writes RFC 4180 with line feeds.
func writeCSV(w io.Writer, res *query.Result) error {
	return writeSeparated(w, res, ",", func(s string, null bool) string {
		if null {
			return ""
		}
		if s == "" || strings.ContainsAny(s, "\",\r\n") || strings.TrimSpace(s) != s {
			return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		return s
	})
}

var tsvEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// writeTSV writes the text form of PostgreSQL's COPY: tab, line feed, carriage return and backslash are escaped.
func writeTSV(w io.Writer, res *query.Result) error {
	return writeSeparated(w, res, "\t", func(s string, null bool) string {
		if null {
			return `\N`
		}
		return tsvEscapes.Replace(s)
	})
}

func writeSeparated(w io.Writer, res *query.Result, separator string, escape func(s string, null bool) string) error {
	out := bufio.NewWriter(w)
	cells := make([]string, len(res.Columns))
	for i, c := range res.Columns {
		cells[i] = escape(c.Name, false)
	}
	_, _ = out.WriteString(strings.Join(cells, separator) + "\n") // Flush returns the error
	for row, err := range res.Rows() {
		if err != nil {
			return err
		}
		for i, v := range row {
			cells[i] = escape(text(v))
		}
		_, _ = out.WriteString(strings.Join(cells, separator) + "\n")
	}
	return out.Flush()
}

// writeNDJSON writes one object a row.
func writeNDJSON(w io.Writer, res *query.Result) error {
	out := bufio.NewWriter(w)
	names := memberNames(res.Columns)
	var b []byte
	for row, err := range res.Rows() {
		if err != nil {
			return err
		}
		if b, err = appendObject(b[:0], names, row); err != nil {
			return err
		}
		_, _ = out.Write(append(b, '\n')) // Flush returns the error
	}
	return out.Flush()
}

// writeJSON writes one document. The provenance comes last, so that a
// document without one was cut short.
func writeJSON(w io.Writer, res *query.Result) error {
	out := bufio.NewWriter(w)
	names := memberNames(res.Columns)
	type column struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	columns := make([]column, len(names))
	for i, c := range res.Columns {
		columns[i] = column{names[i], c.Type}
	}
	head, err := json.Marshal(columns)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "{\"columns\":%s,\n\"rows\":[", head)
	separator := "\n"
	var b []byte
	for row, err := range res.Rows() {
		if err != nil {
			return err
		}
		if b, err = appendObject(append(b[:0], separator...), names, row); err != nil {
			return err
		}
		_, _ = out.Write(b) // Flush returns the error
		separator = ",\n"
	}
	provenance, err := json.Marshal(res.Provenance)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\n],\n\"provenance\":%s}\n", provenance)
	return out.Flush()
}

// memberNames are the columns' names, made unique: an object's must be.
func memberNames(columns []query.Column) []string {
	seen := map[string]bool{}
	names := make([]string, len(columns))
	for i, c := range columns {
		name := c.Name
		for n := 2; seen[name]; n++ {
			name = fmt.Sprintf("%s_%d", c.Name, n)
		}
		seen[name], names[i] = true, name
	}
	return names
}

func appendObject(b []byte, names []string, row []any) ([]byte, error) {
	b = append(b, '{')
	var err error
	for i, v := range row {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendQuoted(b, names[i]); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendValue(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	s, null := text(v)
	bare := false // numbers, true, false and JSON stand without quotes
	switch v := v.(type) {
	case bool, int64, uint64, *big.Int, query.Number:
		bare = true
	case float64:
		bare = !math.IsNaN(v) && !math.IsInf(v, 0)
	case query.JSON:
		bare = json.Valid(v)
	}
	switch {
	case null:
		return append(b, "null"...), nil
	case bare:
		return append(b, s...), nil
	}
	return appendQuoted(b, s)
}

// appendQuoted appends a JSON string; what is not UTF-8 becomes U+FFFD.
func appendQuoted(b []byte, s string) ([]byte, error) {
	return jsontext.AppendQuote(b, strings.ToValidUTF8(s, "\uFFFD"))
}
