package site

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// SafeLine makes foreign text harmless to a terminal: what is not printable
// becomes visible as an escape.
func SafeLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || printable(r) {
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
			texts[i] = strings.ReplaceAll(SafeLine(fmt.Sprint(c)), "\n", `\n`) // a row is a line
		}
		_, _ = fmt.Fprintln(tw, strings.Join(texts, "\t"))
	})
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

// PrintJSON prints v indented, with what a terminal could obey as escapes.
func PrintJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	if _, err := w.Write(asciiControls(b.Bytes())); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// asciiControls writes the characters that a terminal could obey, which JSON
// allows in strings, as the escapes that mean the same.
func asciiControls(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, r := range string(b) {
		switch {
		case r == '\n' || printable(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// BytesText is a size for people.
func BytesText(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// Count is a number for people.
func Count(n int64) string { return humanize.Comma(n) }

// RFC3339 is t in UTC, to the second.
func RFC3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Number is a count with the word for one or for several.
func Number(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(int64(n)) + " " + several
}
