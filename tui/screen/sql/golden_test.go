package sql_test

import (
	"testing"

	"github.com/fabriziosalmi/rainlogs/tui/screen/sql"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

// states are what the goldens show.
var states = map[string]func(*testing.T, tuitest.Size, theme.Options) *bench{
	"empty": func(t *testing.T, size tuitest.Size, o theme.Options) *bench { return draw(t, full(), size, o) },
	"loading": func(t *testing.T, size tuitest.Size, o theme.Options) *bench {
		data := full()
		data.progress = []sql.Progress{{Phase: "checking objects", Done: 12, Total: 1440}}
		b := draw(t, data, size, o)
		b.write(question)
		_, cmd := b.Update(keyOf("ctrl+r"))
		for _, msg := range said(cmd) {
			if _, answered := sql.Answered(msg); !answered {
				b.Update(msg)
			}
		}
		return b
	},
	"error": func(t *testing.T, size tuitest.Size, o theme.Options) *bench {
		data := full()
		b := draw(t, data, size, o)
		b.write(question)
		b.press("ctrl+r")
		data.err = &sql.Fault{Text: "query refused by the SQL engine: Binder Error: Referenced column \"ClientIPx\" not found\x1b[2J in FROM clause!\nCandidate bindings: \"ClientIP\"", Hint: "f2 has saved questions", At: 22}
		b.press("ctrl+r")
		return b
	},
	"full": func(t *testing.T, size tuitest.Size, o theme.Options) *bench {
		b := draw(t, full(), size, o)
		b.write(question)
		b.press("ctrl+r", "esc", "down", "right")
		return b
	},
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for state, make := range states {
		for sizeName, size := range tuitest.Sizes {
			size.Height -= 2 // the root's
			for themeName, o := range tuitest.Themes {
				t.Run(state+"/"+sizeName+"/"+themeName, func(t *testing.T) {
					t.Parallel()
					tuitest.Golden(t, state+"-"+sizeName+"-"+themeName, make(t, size, o).View(), size, o)
				})
			}
		}
	}
}

// TestDialogs: what stands above the panes, in the small size.
func TestDialogs(t *testing.T) {
	t.Parallel()
	size, o := tuitest.Size{Width: 80, Height: 22}, theme.Options{Dark: true}
	for name, press := range map[string][]string{
		"saved": {"f2", "down"}, "history": {"f3"}, "scope": {"f4"}, "params": {"f2", "enter"}, "complete": {"ctrl+k", "ctrl+u", "C", "l", "tab", "down"},
		"export": {"ctrl+r", "f8"}, "value": {"ctrl+r", "esc", "down", "end", "right", "right", "enter"}, "basis": {"ctrl+r", "esc", "p"}, "chart": {"ctrl+r", "esc", "b", "down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := draw(t, full(), size, o)
			b.write("SELECT ClientIP, count(*) FROM logs GROUP BY 1\n")
			b.press(press...)
			tuitest.Golden(t, "dialog-"+name, b.View(), size, o)
		})
	}
}
