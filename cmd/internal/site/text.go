package site

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
)

// SafeLine makes foreign text harmless to a terminal: what is not printable
// becomes visible as an escape.
func SafeLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || r == ' ' || unicode.IsPrint(r) && !unicode.Is(unicode.Bidi_Control, r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// Table aligns tab-separated rows.
func Table(w io.Writer, header string, rows func(row func(cells ...any))) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if header != "" {
		_, _ = fmt.Fprintln(tw, header) // Flush reports what Fprintln could
	}
	rows(func(cells ...any) {
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = SafeLine(fmt.Sprint(c))
		}
		_, _ = fmt.Fprintln(tw, strings.Join(texts, "\t"))
	})
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

// PrintJSON prints v indented, as it is.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// BytesText is a size for people.
func BytesText(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// Count is a number for people.
func Count(n int64) string { return humanize.Comma(n) }

// RFC3339 is t in UTC, to the second.
func RFC3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
