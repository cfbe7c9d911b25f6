package sql

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// maxCopy bounds what goes to the clipboard: terminals take about 100 KB of
// base64 and drop the rest, or all of it.
const maxCopy = 64 << 10

// copyCell copies a value. Control characters are written out: what is
// pasted into a shell must not act there.
func (s *Screen) copyCell() screen.Intent {
	row, at, ok := s.here()
	if !ok {
		return nil
	}
	text := safetext.Line(row[at].Text)
	what := "the value of " + s.answer.Columns[at].Name
	if text != row[at].Text {
		what += ", its control characters written out"
	}
	return bounded(text, what)
}

func bounded(text, what string) screen.Intent {
	if len(text) > maxCopy {
		return screen.Say{Level: screen.Warn, Text: fmt.Sprintf("not copied: it has %s, a terminal takes %s; export writes it to a file", size(int64(len(text))), size(maxCopy))}
	}
	return screen.Copy{Text: text, What: what}
}

// copyRow copies a row as NAME: VALUE, with the question.
func (s *Screen) copyRow() screen.Intent {
	row, _, ok := s.here()
	if !ok {
		return nil
	}
	return bounded(s.rowText(row), "the row, with its question and what it stands on")
}

func (s *Screen) rowText(row []Cell) string {
	var b strings.Builder
	b.WriteString(s.heading())
	for i, c := range row {
		fmt.Fprintf(&b, "- %s: %s\n", markdown(s.answer.Columns[i].Name), markdown(plain(c)))
	}
	return b.String() + s.ground()
}

func plain(c Cell) string {
	if c.Null {
		return "NULL"
	}
	return c.Text
}

// copyAll copies the answer as Markdown: the question, as many rows as fit, and what they stand on.
func (s *Screen) copyAll() screen.Intent {
	var b strings.Builder
	b.WriteString(s.heading())
	names, rule := make([]string, len(s.answer.Columns)), make([]string, len(s.answer.Columns))
	for i, c := range s.answer.Columns {
		names[i], rule[i] = markdown(c.Name), "---"
		if c.Sort == ByNumber {
			rule[i] = "--:"
		}
	}
	fmt.Fprintf(&b, "| %s |\n| %s |\n", strings.Join(names, " | "), strings.Join(rule, " | "))
	end := s.ground()
	room := maxCopy - b.Len() - len(end) - 200
	n := 0
	for _, at := range s.order {
		cells := make([]string, len(s.answer.Columns))
		for i, c := range s.answer.Rows[at] {
			cells[i] = markdown(plain(c))
		}
		line := "| " + strings.Join(cells, " | ") + " |\n"
		if room -= len(line); room < 0 {
			break
		}
		b.WriteString(line)
		n++
	}
	what := fmt.Sprintf("%s rows, with their question and what they stand on", group(n))
	if n < len(s.order) || s.answer.More {
		fmt.Fprintf(&b, "\n**%s rows of more than that: the rest did not fit.**\n", group(n))
		what = fmt.Sprintf("the first %s rows, which is not all: export writes all of them", group(n))
	}
	b.WriteString(end)
	return bounded(b.String(), what)
}

// heading is the question, as Markdown.
func (s *Screen) heading() string {
	var b strings.Builder
	var lines []string
	for line := range strings.SplitSeq(s.of.SQL, "\n") {
		lines = append(lines, safetext.Line(strings.ReplaceAll(line, "\t", "    ")))
	}
	b.WriteString(fenced("sql", lines))
	for _, name := range slices.Sorted(maps.Keys(s.of.Params)) {
		fmt.Fprintf(&b, "$%s = %s\n", name, markdown(s.of.Params[name]))
	}
	return b.String() + "\n"
}

// ground is what the answer stands on, as Markdown.
func (s *Screen) ground() string {
	var lines []string
	for _, line := range s.answer.Evidence.Footer {
		lines = append(lines, safetext.Line(line))
	}
	return "\n" + fenced("", lines)
}

// fenced is a block of code that nothing in it ends.
func fenced(language string, lines []string) string {
	text, fence := strings.Join(lines, "\n"), "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + text + "\n" + fence + "\n"
}

var escapes = strings.NewReplacer(
	`\`, `\\`, `|`, `\|`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `<`, `&lt;`, `>`, `&gt;`, `&`, `&amp;`)

// markdown is a text from outside in which nothing is markup.
func markdown(text string) string { return escapes.Replace(safetext.Line(text)) }

// size is a size for people.
func size(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
