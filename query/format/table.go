package format

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"github.com/fabriziosalmi/rainlogs/query"
)

const (
	tableSample  = 1000 // rows that decide on the columns' widths
	maxCellWidth = 80   // terminal cells; what is longer is cut and ends in "…"
)

// writeTable keeps the first rows to measure them; later ones are cut to fit.
func writeTable(w io.Writer, res *query.Result) error {
	t := &table{w: bufio.NewWriter(w), columns: res.Columns}
	t.add(t.header())
	for row, err := range res.Rows() {
		if err != nil {
			return err
		}
		t.row(row)
	}
	t.flush()
	unit := "rows"
	if t.rows == 1 {
		unit = "row"
	}
	_, _ = fmt.Fprintf(t.w, "(%d %s)\n", t.rows, unit)
	return t.w.Flush()
}

type table struct {
	w       *bufio.Writer // keeps its first error until Flush
	columns []query.Column
	widths  []int
	sample  [][]string // nil once the widths are fixed
	fixed   bool
	rows    int64
}

func (t *table) header() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = cut(safe(c.Name), maxCellWidth)
	}
	t.widths = make([]int, len(names))
	return names
}

func (t *table) row(row []any) {
	t.rows++
	cells := make([]string, len(row))
	for i, v := range row {
		s, null := text(v)
		if null {
			s = "NULL"
		}
		// Cut first: a cell may be megabytes long.
		cells[i] = cut(safe(head(s)), maxCellWidth)
	}
	t.add(cells)
}

func (t *table) add(cells []string) {
	if t.fixed {
		for i := range cells {
			cells[i] = cut(cells[i], t.widths[i])
		}
		t.print(cells)
		return
	}
	for i, c := range cells {
		t.widths[i] = max(t.widths[i], displaywidth.String(c))
	}
	t.sample = append(t.sample, cells)
	if len(t.sample) > tableSample {
		t.flush()
	}
}

// flush prints the sample and fixes the widths.
func (t *table) flush() {
	for i, cells := range t.sample {
		t.print(cells)
		if i == 0 {
			rule := make([]string, len(t.widths))
			for j, width := range t.widths {
				rule[j] = strings.Repeat("─", width)
			}
			t.print(rule)
		}
	}
	t.sample, t.fixed = nil, true
}

func (t *table) print(cells []string) {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		pad := strings.Repeat(" ", max(0, t.widths[i]-displaywidth.String(c)))
		if rightAligned(t.columns[i].Type) {
			b.WriteString(pad + c)
		} else {
			b.WriteString(c + pad)
		}
	}
	_, _ = t.w.WriteString(strings.TrimRight(b.String(), " ") + "\n") // Flush returns the error
}

// head cuts a long text to what cut can need of it, at a character.
func head(s string) string {
	const limit = maxCellWidth * 16
	if len(s) <= limit {
		return s
	}
	i := limit
	for i > limit-4 && s[i]&0xC0 == 0x80 {
		i--
	}
	return s[:i]
}

// cut shortens a text to a number of terminal cells.
func cut(s string, width int) string { return displaywidth.TruncateString(s, width, "…") }

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, `|`, `\|`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `<`, `&lt;`, `>`, `&gt;`, `&`, `&amp;`)

// writeMarkdown writes a table of GitHub's Markdown in which no cell is markup.
func writeMarkdown(w io.Writer, res *query.Result) error {
	out := bufio.NewWriter(w)
	names, rule := make([]string, len(res.Columns)), make([]string, len(res.Columns))
	for i, c := range res.Columns {
		names[i], rule[i] = markdownEscapes.Replace(safe(c.Name)), "---"
		if rightAligned(c.Type) {
			rule[i] = "--:"
		}
	}
	fmt.Fprintf(out, "| %s |\n| %s |\n", strings.Join(names, " | "), strings.Join(rule, " | "))
	cells := make([]string, len(res.Columns))
	for row, err := range res.Rows() {
		if err != nil {
			return err
		}
		for i, v := range row {
			s, null := text(v)
			if null {
				s = "NULL"
			}
			cells[i] = markdownEscapes.Replace(safe(s))
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
	return out.Flush()
}
