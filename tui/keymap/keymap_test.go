package keymap_test

import (
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
)

var entries = []keymap.Entry{
	{Scope: keymap.Global, Action: "quit", Keys: []string{"ctrl+q"}, Help: "quit"},
	{Scope: "investigate", Action: "include", Keys: []string{"i"}, Help: "include"},
	{Scope: "investigate", Action: "down", Keys: []string{"down", "j"}, Help: "down"},
	{Scope: "sql", Action: "down", Keys: []string{"down"}, Help: "down"},
}

func press(s string) tea.KeyPressMsg { return tea.KeyPressMsg{Text: s, Code: []rune(s)[0]} }

func TestRebinding(t *testing.T) {
	t.Parallel()
	m, err := keymap.New(entries, map[string][]string{"include": {"I"}, "sql.down": {"n"}})
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := keymap.Pressed(m, "investigate", press("I")); !ok || a != "include" {
		t.Errorf("I is %q, %t", a, ok)
	}
	if a, ok := keymap.Pressed(m, "investigate", press("i")); ok {
		t.Errorf("i is still %q", a)
	}
	if a, ok := keymap.Pressed(m, "investigate", tea.KeyPressMsg{Code: tea.KeyDown}); !ok || a != "down" {
		t.Errorf("down is %q, %t", a, ok)
	}
	if got := m.Key("investigate", "down").Help().Key; got != "↓/j" {
		t.Errorf("help says %q", got)
	}
	if !m.Rebound("sql", "down") || m.Rebound("investigate", "down") {
		t.Error("what is rebound is not told")
	}
	if got := m.Scopes(); len(got) != 3 || got[0] != keymap.Global || got[1] != "investigate" {
		t.Errorf("scopes %v", got)
	}
	if got := keymap.Spell(m.Key("investigate", "down").Help().Key); got != "down/j" {
		t.Errorf("in ASCII %q", got)
	}
	if got := len(m.Entries("investigate")); got != 2 {
		t.Errorf("%d entries", got)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rebound map[string][]string
		want    string
	}{
		"conflict":        {map[string][]string{"include": {"j"}}, `"j" is investigate.include and investigate.down`},
		"with global":     {map[string][]string{"include": {"ctrl+q"}}, `global.quit`},
		"unknown":         {map[string][]string{"fly": {"f"}}, `no action "fly"`},
		"ambiguous":       {map[string][]string{"down": {"n"}}, "investigate.down or sql.down"},
		"empty":           {map[string][]string{"include": {" "}}, "empty"},
		"global conflict": {map[string][]string{"quit": {"i"}}, "investigate.include"},
	} {
		_, err := keymap.New(entries, c.rebound)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(name, "conflict") != errors.Is(err, keymap.ErrConflict) && name != "with global" {
			t.Errorf("%s: class of %v", name, err)
		}
	}
}
