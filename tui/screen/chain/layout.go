package chain

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// layout says in which lines and cells the parts lie.
type layout struct {
	strip  int // its line, 0 for none
	tabs   int
	body   int // its first line
	height int // its lines
	list   int // cells of the list, and of the pane beside it
	pane   int
}

// The width from which an entry stands beside the list, and its own.
const (
	wideFrom  = 112
	paneWidth = 50
)

func (s *Screen) layout() layout {
	l := layout{tabs: 2, list: s.width}
	if s.height >= 14 {
		l.strip, l.tabs = 2, 4
	}
	l.body = l.tabs + 1
	l.height = max(0, s.height-l.body-1) // the last line is the verification's
	if s.width >= wideFrom {
		l.pane = paneWidth + (s.width-wideFrom)/3
		l.list = s.width - l.pane - 3
	}
	return l
}

// arrange sets the table's size and columns.
func (s *Screen) arrange() {
	digits := 3
	if s.book != nil {
		digits = max(digits, len(fmt.Sprint(len(s.book.Entries))))
	}
	s.table.Columns = []table.Column{
		{Name: "", Width: 1}, {Name: "SEQ", Width: digits, Right: true}, {Name: "KIND", Width: 11}, {Name: "WINDOW", Width: 20},
		{Name: "LINES", Width: 6, Right: true}, {Name: "BYTES", Width: 6, Right: true}, {Name: "", Width: 8},
	}
	l := s.layout()
	s.table.SetSize(l.list, max(2, l.height))
}

// row is an entry as the table draws it.
func (s *Screen) row(r *Row) table.Row {
	out := table.Row{}
	glyph, status := s.look(r.State)
	text := r.Text
	if n := s.hurt[r.Seq]; n > 0 {
		glyph, status = s.theme.Glyphs.Bad, 500
		text = strings.TrimSpace(plural(int64(n), "finding") + " " + text)
	}
	lines, size, window := "", "", ""
	switch r.State {
	case Sealed, Expired:
		lines, size = count(r.Lines), bytesText(r.Bytes)
	case Empty:
		lines = "0"
	}
	if !r.From.IsZero() {
		window = s.stamp(r.From) + " +" + span(r.To.Sub(r.From))
	}
	out.Status = status
	out.Cells = []string{glyph, fmt.Sprint(r.Seq), r.Kind, window, lines, size, text}
	return out
}

// stateNames are the states in words, for the legend.
var stateNames = [states]string{"window", "empty", "observation", "expired", "expiry", "hold", "key", "other", "gap", "unreadable"}

// look is a state's glyph, and the status whose colour it has.
func (s *Screen) look(state State) (glyph string, status int) {
	g := s.theme.Glyphs
	switch state {
	case Sealed:
		return g.Block, 200
	case Empty:
		return g.Empty, 0
	case Observation:
		return "o", 0
	case Expired:
		return "-", 100
	case Expiry:
		return "e", 300
	case Hold:
		return "H", 300
	case Key:
		return "K", 300
	case Gap:
		return g.Gap, 400
	case Unreadable:
		return "?", 500
	}
	return "+", 300
}

// stamp is a time to the minute, or to the second where it has some.
func (s *Screen) stamp(t time.Time) string {
	t = s.in(t)
	if t.Second() != 0 {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// moment is a time to the second, with its zone.
func (s *Screen) moment(t time.Time) string {
	t = s.in(t)
	layout := "2006-01-02 15:04:05 MST"
	if t.Nanosecond() != 0 {
		layout = "2006-01-02 15:04:05.000 MST"
	}
	return t.Format(layout)
}

func (s *Screen) in(t time.Time) time.Time {
	if s.local {
		return t.In(s.cfg.Local)
	}
	return t.UTC()
}

// span is a short duration: 5m, 1h, 90s.
func span(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// took is how long something took or will take.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}

// count shortens a number to five characters.
func count(n int64) string {
	return strings.ReplaceAll(humanize.SIWithDigits(float64(n), 1, ""), " ", "")
}

// bytesText shortens a size to six characters: 3.2MB, 303kB.
func bytesText(n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB", "PB"} {
		if value < 999.5 {
			break
		}
		value, unit = value/1000, next
	}
	if value >= 99.95 || unit == "B" {
		return fmt.Sprintf("%.0f%s", value, unit)
	}
	return fmt.Sprintf("%.1f%s", value, unit)
}

// plural is a number of things.
func plural(n int64, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y"):
		return humanize.Comma(n) + " " + strings.TrimSuffix(what, "y") + "ies"
	}
	return humanize.Comma(n) + " " + what + "s"
}

// scopeName is what a verification is of.
func scopeName(j Job) string {
	switch {
	case j.Object != "":
		return "the chain, and one object"
	case j.Chain == ID{}:
		return "all chains"
	}
	return "this chain"
}

// name is what a chain is called.
func (c Chain) name() string {
	if c.Name != "" {
		return c.Name
	}
	return c.Zone
}

// fill cuts a text to the width, and fills it.
func fill(text string, width int) string { return safetext.Fit(text, width) }
