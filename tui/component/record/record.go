// Package record draws a list of names and values of any length, one of them
// unfolded.
package record

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Entry is a line of the list.
type Entry struct {
	Name, Value string // from outside
	Heading     bool   // Name alone, and not to be chosen
	Field       bool   // one can filter by it
	Aside       string // what a short value means, shown behind it where there is room
}

// Pane is the state. The zero value is empty.
type Pane struct {
	entries []Entry
	search  string
	shown   []int
	at      int // in shown
	top     int
}

// Set shows other entries; the cursor stays on the name that it is on, if that is there.
func (p *Pane) Set(entries []Entry) {
	name := ""
	if e, ok := p.Here(); ok {
		name = e.Name
	}
	p.entries = entries
	p.narrow()
	for i, e := range p.shown {
		if p.entries[e].Name == name && !p.entries[e].Heading {
			p.at = i
		}
	}
	p.Move(0)
}

// Search leaves the entries that contain a text in their name or value, letter case aside.
func (p *Pane) Search(text string) {
	p.search = text
	p.narrow()
	p.at, p.top = 0, 0
	p.Move(0)
}

// Searched is what was searched for.
func (p *Pane) Searched() string { return p.search }

func (p *Pane) narrow() {
	p.shown = p.shown[:0]
	want := strings.ToLower(p.search)
	for i, e := range p.entries {
		if want == "" || !e.Heading && (strings.Contains(strings.ToLower(e.Name), want) || strings.Contains(strings.ToLower(e.Value), want)) {
			p.shown = append(p.shown, i)
		}
	}
}

// Here is the entry under the cursor.
func (p *Pane) Here() (Entry, bool) {
	if p.at >= len(p.shown) {
		return Entry{}, false
	}
	e := p.entries[p.shown[p.at]]
	return e, !e.Heading
}

// Move moves the cursor, over headings.
func (p *Pane) Move(by int) {
	p.at = max(0, min(p.at+by, len(p.shown)-1))
	step := 1
	if by < 0 {
		step = -1
	}
	for range 2 {
		for p.at >= 0 && p.at < len(p.shown) && p.entries[p.shown[p.at]].Heading {
			p.at += step
		}
		if p.at >= 0 && p.at < len(p.shown) {
			return
		}
		p.at, step = max(0, min(p.at, len(p.shown)-1)), -step
	}
}

// Click puts the cursor on the entry drawn at a line of the view.
func (p *Pane) Click(line int, width, height int) {
	y := 0
	for i := p.top; i < len(p.shown); i++ {
		h := 1
		if i == p.at {
			h = len(p.unfolded(nil, width, height))
		}
		if line >= y && line < y+h {
			if !p.entries[p.shown[i]].Heading {
				p.at = i
			}
			return
		}
		y += h
	}
}

// names is how wide the names are.
func (p *Pane) names(width int) int {
	w := 0
	for _, i := range p.shown {
		if !p.entries[i].Heading {
			w = max(w, min(len(p.entries[i].Name), 30))
		}
	}
	return max(1, min(w, width*9/20))
}

// View draws height lines of exactly width cells.
func (p *Pane) View(th *theme.Theme, width, height int, focused bool) []string {
	here := p.unfolded(th, width, height)
	p.top = max(0, min(p.top, p.at))
	if over := p.at - p.top + len(here) - height; over > 0 {
		p.top = min(p.at, p.top+over)
	}
	names := p.names(width)
	out := make([]string, 0, height)
	for i := p.top; i < len(p.shown) && len(out) < height; i++ {
		e := p.entries[p.shown[i]]
		switch {
		case e.Heading:
			out = append(out, th.Title.Render(safetext.Fit(" "+e.Name, width)))
		case i == p.at && focused:
			out = append(out, here...)
		default:
			out = append(out, p.line(th, e, names, width))
		}
	}
	if len(p.shown) == 0 && p.search != "" {
		out = append(out, th.Dim.Render(safetext.Fit("  nothing has that in it", width)))
	}
	for len(out) < height {
		out = append(out, strings.Repeat(" ", width))
	}
	return out[:height]
}

func (p *Pane) line(th *theme.Theme, e Entry, names, width int) string {
	name := safetext.Fit(" "+e.Name, min(width, names+1)) + " "
	room := width - safetext.Width(name)
	if room <= 0 {
		return th.Dim.Render(safetext.Fit(name, width))
	}
	return th.Dim.Render(name) + value(th, e, room, 1)[0]
}

// unfolded are the lines of the entry under the cursor, with as much of its value as there is room for.
func (p *Pane) unfolded(th *theme.Theme, width, height int) []string {
	e, ok := p.Here()
	if !ok {
		return []string{""}
	}
	if th == nil {
		th = theme.New(theme.Options{Plain: true})
	}
	names := p.names(width)
	name := safetext.Fit(th.Glyphs.Cursor+e.Name, min(width, names+1)) + " "
	room := width - safetext.Width(name)
	if room <= 0 {
		return []string{th.Selected.Render(safetext.Fit(name, width))}
	}
	lines := value(th, e, room, max(1, height/2))
	for i := range lines {
		if i == 0 {
			lines[i] = th.Selected.Render(name) + lines[i]
		} else {
			lines[i] = th.Selected.Render(th.Glyphs.Cursor) + strings.Repeat(" ", safetext.Width(name)-1) + lines[i]
		}
	}
	return lines
}

// value is an entry's value with what is said aside, if that fits into the same line.
func value(th *theme.Theme, e Entry, room, most int) []string {
	const longest = 60
	if e.Aside != "" && len(e.Value) <= longest {
		w := safetext.Width(e.Value)
		if aside := safetext.Cut(e.Aside, longest); w > 0 && w+3+safetext.Width(aside) <= room {
			return []string{Wrap(th, e.Value, w, 1)[0] + th.Dim.Render(safetext.Fit(" = "+aside, room-w))}
		}
	}
	return Wrap(th, e.Value, room, most)
}

// Wrap parts a text from anywhere into at most most lines of exactly width
// cells, what is escaped in a style of its own. If more is left, the last line
// says how much. It looks at no more of the text than it can show.
func Wrap(th *theme.Theme, s string, width, most int) []string {
	const bytesPerCell = 12 // as in safetext.Cut
	rest := 0
	if limit := (width*most + 1) * bytesPerCell; len(s) > limit {
		rest = len(s) - limit
		s = s[:limit]
	}
	w := wrapper{th: th, width: width, most: most}
	for _, span := range safetext.Spans(s) {
		if !w.add(span) {
			break
		}
	}
	w.over = w.over || rest > 0
	return w.end(rest + len(s))
}

type wrapper struct {
	th          *theme.Theme
	width, most int
	lines       []string
	line        strings.Builder
	used        int
	over        bool
}

// add draws a span and reports whether there is room for more.
func (w *wrapper) add(span safetext.Span) bool {
	style := w.th.Text
	if span.Escaped {
		style = w.th.Escaped
	}
	for text := span.Text; text != ""; {
		part := ansi.Truncate(text, w.width-w.used, "")
		if part == "" && w.used == 0 { // a character wider than the line
			w.over = true
			return false
		}
		if part == "" {
			if len(w.lines)+1 >= w.most {
				w.over = true
				return false
			}
			w.next()
			continue
		}
		w.line.WriteString(style.Render(part))
		w.used += safetext.Width(part)
		text = text[len(part):]
	}
	return true
}

func (w *wrapper) next() {
	w.lines = append(w.lines, w.line.String()+strings.Repeat(" ", w.width-w.used))
	w.line.Reset()
	w.used = 0
}

// end finishes the last line; of a text of size bytes that does not fit it says so.
func (w *wrapper) end(size int) []string {
	if !w.over {
		w.next()
		return w.lines
	}
	tail := safetext.Ellipsis
	if w.most > 1 {
		tail = fmt.Sprintf("%s of %d bytes", safetext.Ellipsis, size)
	}
	tail = safetext.Cut(tail, w.width)
	keep := w.width - safetext.Width(tail)
	line := ansi.Truncate(w.line.String(), keep, "")
	used := ansi.StringWidth(line)
	w.lines = append(w.lines, line+strings.Repeat(" ", keep-used)+w.th.Dim.Render(tail))
	return w.lines
}
