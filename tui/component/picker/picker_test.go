package picker_test

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/component/picker"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

func sample() *picker.Picker {
	return &picker.Picker{Title: "columns", Many: true, Items: []picker.Item{{Name: "one", On: true}, {Name: "two", Detail: "text"}, {Name: "thr\x1b[2Jee"}}}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	p := sample()
	p.Move(1)
	p.Toggle()
	p.Shift(-1)
	if diff := cmp.Diff([]string{"two", "one"}, p.On()); diff != "" {
		t.Error(diff)
	}
	p.Shift(-1) // there is nothing above
	p.Key(tea.KeyPressMsg{Text: "E", Code: 'E'})
	p.Toggle()
	if diff := cmp.Diff([]string{"one"}, p.On()); diff != "" { // "two" has it in its detail
		t.Error(diff)
	}
	for range 5 {
		p.Key(tea.KeyPressMsg{Text: "z", Code: 'z'})
	}
	p.Toggle()
	if p.Here() != -1 {
		t.Errorf("at %d of nothing", p.Here())
	}
}

func TestView(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{Plain: true})
	want := []string{"columns:            ", "▌[x] one            ", " [ ] two        text", ` [ ] thr\x1b[2Jee   `}
	p := sample()
	if diff := cmp.Diff(strings.Join(want, "\n"), ansi.Strip(strings.Join(p.View(th, 20, 9), "\n"))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for width := 1; width < 40; width++ {
		for height := 1; height < 9; height++ {
			lines := p.View(th, width, height)
			if len(lines) > height {
				t.Fatalf("%d lines of at most %d", len(lines), height)
			}
			for _, l := range lines {
				if ansi.StringWidth(l) != width {
					t.Fatalf("%d cells, want %d: %q", ansi.StringWidth(l), width, l)
				}
			}
		}
	}
}
