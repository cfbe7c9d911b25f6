package app_test

import (
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/app"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// TestOpening: something is drawn before anything is open, keys that came too early are not lost, and a failure ends it.
func TestOpening(t *testing.T) {
	t.Parallel()
	root, _ := setup(t, theme.Options{})
	o := app.NewOpening("opening \x1b[31m/srv …", func() (*app.App, error) { return root, nil })
	o.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	if shown := o.View().Content; !strings.Contains(shown, `opening \x1b[31m/srv`) || strings.Count(shown, "\n") != 29 {
		t.Errorf("before: %q", shown)
	}
	o.Update(tea.KeyPressMsg{Code: '?', Text: "?"})
	o.Update(o.Init()())
	if shown := o.View().Content; !strings.Contains(shown, "keys") || strings.Count(shown, "\n") != 29 {
		t.Errorf("the key that was pressed before is lost: %s", shown)
	}
	if got, err := o.Root(); got != root || err != nil {
		t.Errorf("opened %v, %v", got, err)
	}

	failed := errors.New("the archive is elsewhere")
	o = app.NewOpening("opening", func() (*app.App, error) { return nil, failed })
	_, cmd := o.Update(o.Init()())
	if _, err := o.Root(); !errors.Is(err, failed) || cmd == nil {
		t.Errorf("a failure is %v", err)
	}
	if _, ok := cmd().(tea.QuitMsg); !ok {
		t.Error("the program goes on without an archive")
	}
}
