package investigate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

// hostile are what an attacker writes.
var hostile = []string{
	"\x1b]0;owned\x07\x1b[2J", "a\rb\nc\td", "\u202eevil\u2066\u200b", "\x9b31mred", "\xff\xfe\xc3", "日本語のパス" + strings.Repeat("長", 300), strings.Repeat("A", 300<<10),
	strings.Repeat("e\u0301\u0301\u0301\u0301", 200), "\U0001f468\u200d\U0001f469\u200d\U0001f467", "", strings.Repeat("\x1b[31m", 5000), "\u0301\u0301lead",
}

func hostileFake() *fake {
	f := newFake(300, 3*time.Hour)
	for i := range f.records {
		r := &f.records[i]
		for k := range r.Fields {
			if name := r.Fields[k].Name; name != "EdgeStartTimestamp" && name != "EdgeResponseStatus" {
				r.Fields[k].Value = hostile[(i+k)%len(hostile)]
			}
		}
		r.Raw, r.Object, r.SHA256, r.Window, r.Fault = hostile[i%len(hostile)], hostile[(i+1)%len(hostile)], hostile[(i+2)%len(hostile)], hostile[(i+3)%len(hostile)], hostile[(i+4)%len(hostile)]
		r.Fields = append(r.Fields, investigate.FieldValue{Name: hostile[i%len(hostile)], Value: "x"})
	}
	f.stands = hostile[0] + hostile[2] + hostile[4]
	f.marks = []inquiry.Bookmark{{Ref: f.records[0].Ref, Note: hostile[0] + hostile[2]}}
	f.ground.Zones[0].Name, f.ground.Zones[1].Name = hostile[0], hostile[2]
	f.ground.Fields["http_requests"] = append(f.ground.Fields["http_requests"][:len(fields):len(fields)], investigate.Field{Name: hostile[3]})
	return f
}

// whole checks a view: its lines, their cells, and that nothing from outside is raw in it.
func whole(t *testing.T, view string, width, height int, o theme.Options) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != height {
		t.Fatalf("%dx%d: %d lines", width, height, len(lines))
	}
	for _, line := range lines {
		if w := ansi.StringWidth(line); w != width {
			t.Fatalf("%dx%d: a line of %d cells: %q", width, height, w, line)
		}
		plain := ansi.Strip(line)
		if bad := strings.IndexFunc(plain, func(r rune) bool {
			return r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfffd || o.ASCII && r > 0x7e
		}); bad >= 0 {
			t.Fatalf("%dx%d: raw %q in %q", width, height, plain[bad:], plain)
		}
		if strings.Contains(line, "\x1b]") || strings.Contains(line, "\x1b[2J") || strings.Contains(line, "\x1b[31m") {
			t.Fatalf("%dx%d: an escape from outside in %q", width, height, line)
		}
	}
}

// TestNothingRaw: hostile text in every field, at any size, in each pane and dialog.
func TestNothingRaw(t *testing.T) {
	t.Parallel()
	ways := [][]string{
		nil, {"enter", "down", "right"}, {"enter", "enter", "down", "down", "down"}, {"enter", "enter", "end"}, {"tab", "right", "space", "right"}, {"right", "right", "right", "i", "tab", "tab"},
		{"shift+tab", "down", "down"}, {"f"}, {"f", "C"}, {"v"}, {"F"}, {"S"}, {"S", "S", "e", "c", "u", "enter"}, {"S", "U", "R", "I", "enter", "tab"}, {"z"}, {"T"}, {"right", "right", "x", "right", "i", "H"}, {"n", "é", "\u202e"}, {"#"}, {"end", "m", "up"},
	}
	for i, way := range ways {
		t.Run(strings.Join(way, " "), func(t *testing.T) {
			t.Parallel()
			s := start(t, hostileFake(), 120, 38)
			s.press(way...)
			for width := 1; width < 190; width += 13 + i%3 {
				for height := 1; height < 60; height += 7 {
					s.SetSize(width, height)
					whole(t, s.View(), width, height, theme.Options{})
				}
			}
			for _, o := range tuitest.Themes {
				s.SetTheme(theme.New(o))
				s.SetSize(80, 22)
				whole(t, s.View(), 80, 22, o)
			}
		})
	}
}

// TestErrorsAreSafe: what a question fails with is text from outside too.
func TestErrorsAreSafe(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		f := newFake(30, time.Hour)
		f.err = map[string]error{}
		for _, what := range []string{"histogram", "rows", "facet", "record", "prepare", "marks", "stack"} {
			f.err[what] = errors.New(text)
		}
		s := start(t, f, 100, 30)
		s.press("S", "down", "enter")
		for _, size := range []tuitest.Size{{Width: 100, Height: 30}, {Width: 33, Height: 9}, {Width: 3, Height: 40}} {
			s.SetSize(size.Width, size.Height)
			whole(t, s.View(), size.Width, size.Height, theme.Options{})
		}
		f.err = map[string]error{"ground": errors.New(text)}
		s = start(t, f, 100, 30)
		whole(t, s.View(), 100, 30, theme.Options{})
	}
}

// TestLongValue: what is too long for the table is not filtered by as if it were whole.
func TestLongValue(t *testing.T) {
	t.Parallel()
	f := newFake(30, time.Hour)
	f.records[0].Fields[3].Value = strings.Repeat("A", 5000) // what a table may have cut, and a record has whole
	s := start(t, f, 120, 38)
	s.press("right", "right", "right", "i")
	if got := s.filters(); got != "" {
		t.Errorf("filtered by %d bytes of the table", len(got))
	}
	f.records[0].Fields[3].Value = strings.Repeat("A", 300<<10)
	s = start(t, f, 120, 38)
	s.press("right", "right", "right", "i")
	if got := s.filters(); got != "" {
		t.Errorf("filtered by %d bytes", len(got))
	}
	s.press("y")
	if s.intent == nil {
		t.Error("nothing is said of what cannot be copied")
	}
	s.press("enter", "enter", "down", "down", "down")
	s.sees("of 307200 bytes")
	s.press("i")
	if got := s.filters(); got != "" {
		t.Errorf("filtered by %d bytes", len(got))
	}
}

// TestOddAnswers: what no honest Data says does not end the program.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	for _, odd := range []*oddData{
		{hist: investigate.Histogram{Buckets: make([]investigate.Bucket, 3)}},
		{hist: investigate.Histogram{From: end, To: end, Step: time.Nanosecond, Buckets: make([]investigate.Bucket, 5000)}},
		{hist: investigate.Histogram{From: end, To: end, Step: -1, Buckets: []investigate.Bucket{{State: 99}}}, total: -7},
		{total: 1 << 60}, {total: 5, rows: make([]investigate.Row, 500)}, {total: 500, rows: make([]investigate.Row, 1)},
	} {
		odd.fake = newFake(10, time.Hour)
		s := &station{t: t, Screen: newScreen(t, odd.fake, func(c *investigate.Config) { c.Data = odd }), fake: odd.fake}
		s.SetSize(120, 38)
		s.pump(s.Init())
		for _, cmd := range []string{"down", "right", "i", "enter", "tab", "right", "enter", "+", "-", "T", "esc", "S", "down", "enter", "end"} {
			s.press(cmd)
			whole(t, s.View(), 120, 38, theme.Options{})
		}
	}
}

type oddData struct {
	*fake
	hist  investigate.Histogram
	rows  []investigate.Row
	total int64
}

func (o *oddData) Histogram(context.Context, inquiry.View, int) (investigate.Histogram, error) {
	return o.hist, nil
}

func (o *oddData) Rows(_ context.Context, _ inquiry.View, _ []string, first int64, _ int) (investigate.Page, error) {
	return investigate.Page{Total: o.total, First: first, Rows: o.rows}, nil
}
