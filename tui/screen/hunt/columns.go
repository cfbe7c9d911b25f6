package hunt

import (
	"strings"
	"unicode"

	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// widths are as wide as what is in the columns, within reason. A long name above short values
// would take the room of what was asked: the end of it, which tells it from others, is left.
func widths(r Result) []table.Column {
	const widest, looked, name = 44, 200, 10
	out := make([]table.Column, len(r.Columns))
	for i, c := range r.Columns {
		width := min(name, safetext.Width(safetext.Cut(c.Name, widest)))
		for _, row := range r.Rows[:min(looked, len(r.Rows))] {
			if i < len(row.Cells) {
				width = max(width, safetext.Width(safetext.Cut(row.Cells[i], widest)))
			}
		}
		out[i] = table.Column{Name: lastWords(c.Name, width), Width: width, Right: c.Right}
	}
	return out
}

// lastWords are as many of a name's last words as there is room for: EdgeResponseStatus is …Status in ten cells.
func lastWords(name string, width int) string {
	if len(name) <= width || len(name) > 200 {
		return name
	}
	for i, r := range name {
		if left := len(name) - i; i > 0 && left > 2 && left < width && unicode.IsUpper(r) && !unicode.IsUpper(rune(name[i-1])) {
			return safetext.Ellipsis + name[i:]
		}
	}
	if _, last, ok := strings.Cut(name, "_"); ok && len(last) > 2 && len(last) < width {
		return safetext.Ellipsis + last
	}
	return name
}
