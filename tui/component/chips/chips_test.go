package chips_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/component/chips"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

func TestView(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{Plain: true})
	c := &chips.Chips{At: -1, Chips: []chips.Chip{{Text: "A=1"}, {Text: "B!=\x1b[2J", Excludes: true}, {Text: "C*=" + strings.Repeat("x", 90)}}}
	if got := ansi.Strip(c.View(th, 80, false)); !strings.HasPrefix(got, ` + A=1   - B!=\x1b[2J   + C*=xxxx`) {
		t.Errorf("%q", got)
	}
	if i, ok := c.ChipAt(10, 80); !ok || i != 1 {
		t.Errorf("at 10 is %d, %t", i, ok)
	}
	if _, ok := c.ChipAt(79, 80); ok {
		t.Error("there is a chip behind the last")
	}
	for at := -1; at < 3; at++ {
		c.At = at
		for width := range 100 {
			if got := ansi.StringWidth(c.View(th, width, true)); got != width {
				t.Fatalf("at %d: %d cells, want %d", at, got, width)
			}
		}
	}
	c.At = 2
	if got := ansi.Strip(c.View(th, 24, true)); !strings.Contains(got, "C*=") {
		t.Errorf("the chip under the cursor is not shown: %q", got)
	}
}
