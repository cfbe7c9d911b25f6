package facets_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

func sample() *facets.Facets {
	return &facets.Facets{Sections: []facets.Section{
		{Field: "Status", Open: true, State: facets.Loaded, Shown: 2, Distinct: 12, Total: 100, Values: []facets.Value{{Text: "200", Count: 75, Sign: "+"}, {Text: "404", Count: 1}, {Text: "500", Count: 1}}},
		{Field: "Cookies", Open: true, State: facets.Loaded, Total: 100, Values: []facets.Value{{Null: true, Count: 99}, {Text: "", Count: 1}}},
		{Field: "Path", Open: true, State: facets.Failed, Err: "a\x1b[2Jb"}, {Field: "Host"},
	}}
}

func TestView(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{Plain: true})
	want := []string{
		" - Status                 12", " +200            ███▊     75", "  404            ▏         1", "   … 10 more                ", " - Cookies                  ",
		"  absent         █████    99", "  empty          ▏         1", " - Path                     ", `  ✗ a\x1b[2Jb               `, " + Host                     ",
	}
	f := sample()
	if diff := cmp.Diff(strings.Join(want, "\n"), ansi.Strip(strings.Join(f.View(th, 28, 10, false), "\n"))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for width := range 60 {
		for height := range 14 {
			lines := f.View(th, width, height, true)
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

func TestMove(t *testing.T) {
	t.Parallel()
	f := sample()
	at := func() [2]int { s, v := f.Here(); return [2]int{s, v} }
	f.Move(-99)
	for _, step := range []struct {
		by   int
		want [2]int
	}{
		{0, [2]int{0, facets.Heading}}, {2, [2]int{0, 1}}, {1, [2]int{0, facets.More}}, {3, [2]int{1, 1}}, {1, [2]int{2, facets.Heading}}, {1, [2]int{3, facets.Heading}}, // over what is wrong with Path
		{99, [2]int{3, facets.Heading}}, {-2, [2]int{1, 1}},
	} {
		f.Move(step.by)
		if at() != step.want {
			t.Errorf("%d to %v, want %v", step.by, at(), step.want)
		}
	}
	f.SetValues(1, []facets.Value{{Text: "x"}, {Text: "y"}, {Text: ""}})
	if at() != [2]int{1, 2} {
		t.Errorf("the cursor left its value for %v", at())
	}
	f.SetValues(1, nil)
	if at() != [2]int{1, facets.Heading} {
		t.Errorf("the cursor is on a value that is gone: %v", at())
	}
	f.View(theme.New(theme.Options{}), 28, 10, true)
	if again, ok := f.Click(1); !ok || again || at() != [2]int{0, 0} {
		t.Errorf("a click on the second line is %v", at())
	}
	if again, ok := f.Click(1); !ok || !again {
		t.Error("a second click is as the first")
	}
	if _, ok := f.Click(99); ok {
		t.Error("there is something below all")
	}
	if s, _ := (&facets.Facets{}).Here(); s != -1 {
		t.Errorf("nothing has section %d", s)
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 9999: "9999", 10_000: "10k", 12_345: "12.3k", 999_999: "999k", 8_431_022: "8.4M", 1 << 62: "4.6E"} {
		if got := facets.Count(n); got != want || len(got) > 6 {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
