package record_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/component/record"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

func sample() *record.Pane {
	p := &record.Pane{}
	p.Set([]record.Entry{
		{Name: "ClientIP", Value: "192.0.2.1", Field: true}, {Name: "Path", Value: "/a\x1b[2J" + strings.Repeat("b", 40), Field: true},
		{Name: "EVIDENCE", Heading: true}, {Name: "line", Value: "7"},
	})
	return p
}

func plain(lines []string) string { return ansi.Strip(strings.Join(lines, "\n")) }

func TestView(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{Plain: true})
	p := sample()
	p.Move(1)
	want := []string{" ClientIP 192.0.2.1         ", `▌Path     /a\x1b[2Jbbbbbbbbb`, "▌         bbbbbbbbbbbbbbbbbb", "▌         bbbbbbbbbbbbb     ", " EVIDENCE                   ", " line     7                 "}
	if diff := cmp.Diff(strings.Join(want, "\n"), plain(p.View(th, 28, 6, true))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for width := range 50 {
		for height := 1; height < 12; height++ {
			lines := p.View(th, width, height, true)
			if len(lines) != height {
				t.Fatalf("%d lines, want %d", len(lines), height)
			}
			for _, l := range lines {
				if ansi.StringWidth(l) != width {
					t.Fatalf("a line of %d cells, want %d: %q", ansi.StringWidth(l), width, l)
				}
			}
		}
	}
}

func TestMoveAndSearch(t *testing.T) {
	t.Parallel()
	p := sample()
	name := func() string { e, _ := p.Here(); return e.Name }
	p.Move(2)
	if name() != "line" { // over the heading
		t.Errorf("at %s", name())
	}
	p.Move(-1)
	if name() != "Path" {
		t.Errorf("at %s", name())
	}
	p.Set([]record.Entry{{Name: "EVIDENCE", Heading: true}, {Name: "Other"}, {Name: "Path"}})
	if name() != "Path" {
		t.Errorf("another record puts the cursor on %s", name())
	}
	p = sample()
	p.Search("PATH")
	if name() != "Path" || strings.Contains(plain(p.View(theme.New(theme.Options{}), 40, 5, true)), "ClientIP") {
		t.Errorf("found %s", name())
	}
	p.Search("nowhere")
	if _, ok := p.Here(); ok {
		t.Error("nothing is under the cursor")
	}
	p.Move(1)
	p.Search("")
	p.View(theme.New(theme.Options{}), 40, 10, true)
	p.Click(1, 40, 10)
	if name() != "Path" {
		t.Errorf("a click on the second line is %s", name())
	}
}

// TestWrap: what is drawn is bounded, whatever there is.
func TestWrap(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{Plain: true})
	for _, text := range []string{"", "abc", strings.Repeat("日", 100), strings.Repeat("\u202e", 100), strings.Repeat("x", 300<<10), "\xff\xfe", strings.Repeat("e\u0301\u0301\u0301", 99)} {
		for width := 1; width < 30; width++ {
			for most := 1; most < 5; most++ {
				lines := record.Wrap(th, text, width, most)
				if len(lines) < 1 || len(lines) > most {
					t.Fatalf("%.10q: %d lines of at most %d", text, len(lines), most)
				}
				for _, l := range lines {
					if ansi.StringWidth(l) != width {
						t.Fatalf("%.10q in %d: %q", text, width, l)
					}
				}
			}
		}
	}
	if got := plain(record.Wrap(th, strings.Repeat("x", 300<<10), 20, 3)); !strings.HasSuffix(got, "… of 307200 bytes") {
		t.Errorf("%q", got)
	}
}

// TestAside: what a value means stands behind it where both fit, and is escaped as the value is.
func TestAside(t *testing.T) {
	t.Parallel()
	p := &record.Pane{}
	p.Set([]record.Entry{{Name: "at", Value: "1773500966", Aside: "2026-03-14 15:09:26 UTC\x1b[2J"}, {Name: "b", Value: "1773500966", Aside: "2026-03-14"}, {Name: "c", Value: "", Aside: "nothing"}})
	for width, want := range map[int][]string{
		50: {" at 1773500966 = 2026-03-14 15:09:26 UTC\\x1b[2J", " b  1773500966 = 2026-03-14", " c"},
		30: {" at 1773500966", " b  1773500966 = 2026-03-14", " c"},
	} {
		for i, line := range p.View(theme.New(theme.Options{}), width, 3, false) {
			if plain := ansi.Strip(line); strings.TrimRight(plain, " ") != want[i] || ansi.StringWidth(plain) != width {
				t.Errorf("%d cells: %q, want %q", width, plain, want[i])
			}
		}
	}
}
