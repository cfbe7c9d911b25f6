// Package keymap holds which keys do what: named actions, each in a scope,
// with default keys that a user can rebind. Help is made from it, so that
// what help says is what works.
package keymap

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
)

// Action is what a key does, as configured: "include", "page-down".
type Action string

// Scope is where a key works: Global everywhere, another on the screen or the dialog of that name.
type Scope string

// Global keys work on every screen, and no screen may take them.
const Global Scope = "global"

// Entry is an action with its default keys.
type Entry struct {
	Scope  Scope
	Action Action
	Keys   []string // as Bubble Tea names them: "ctrl+c", "pgdown", "?"
	Help   string   // what it does, a few words
	// Group parts a long help: "move", "filter". Entries of a group stand together.
	Group string
}

// Map is the live key map.
type Map struct {
	entries  []Entry
	rebound  map[int]bool // the entries whose keys a user has chosen
	bindings map[Scope]map[Action]key.Binding
}

// ErrConflict: a key has two meanings in one place.
var ErrConflict = errors.New("key has two meanings")

// New returns the map of entries with a user's keys in place of the defaults:
// "investigate.include": {"I"}, or "include" where one scope alone has that
// action. A conflict, an unknown action and an empty key are errors.
func New(entries []Entry, rebound map[string][]string) (*Map, error) {
	m := &Map{entries: slices.Clone(entries), bindings: map[Scope]map[Action]key.Binding{}, rebound: map[int]bool{}}
	for _, name := range slices.Sorted(maps.Keys(rebound)) {
		i, err := m.find(name)
		if err != nil {
			return nil, err
		}
		for _, k := range rebound[name] {
			if strings.TrimSpace(k) == "" {
				return nil, fmt.Errorf("key of %s is empty", name)
			}
		}
		m.entries[i].Keys, m.rebound[i] = slices.Clone(rebound[name]), true
	}
	if err := m.conflict(); err != nil {
		return nil, err
	}
	for _, e := range m.entries {
		if m.bindings[e.Scope] == nil {
			m.bindings[e.Scope] = map[Action]key.Binding{}
		}
		m.bindings[e.Scope][e.Action] = key.NewBinding(key.WithKeys(e.Keys...), key.WithHelp(Label(e.Keys), e.Help))
	}
	return m, nil
}

// find returns the entry that a user means.
func (m *Map) find(name string) (int, error) {
	var found []int
	for i, e := range m.entries {
		if name == string(e.Scope)+"."+string(e.Action) {
			return i, nil
		}
		if name == string(e.Action) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("there is no action %.60q to bind a key to (rainlogs tui --keys lists them)", name)
	case 1:
		return found[0], nil
	}
	var full []string
	for _, i := range found {
		full = append(full, string(m.entries[i].Scope)+"."+name)
	}
	return 0, fmt.Errorf("action %s is in several places: say %s", name, strings.Join(full, " or "))
}

// conflict finds a key with two meanings where both could be meant.
func (m *Map) conflict() error {
	for i, a := range m.entries {
		for _, b := range m.entries[i+1:] {
			if a.Scope != b.Scope && a.Scope != Global && b.Scope != Global {
				continue
			}
			for _, k := range a.Keys {
				if slices.Contains(b.Keys, k) {
					return fmt.Errorf("%w: %q is %s.%s and %s.%s", ErrConflict, k, a.Scope, a.Action, b.Scope, b.Action)
				}
			}
		}
	}
	return nil
}

// Key returns the binding of an action, a disabled one if there is none.
func (m *Map) Key(scope Scope, action Action) key.Binding { return m.bindings[scope][action] }

// Entries returns the entries of a scope, in their order.
func (m *Map) Entries(scope Scope) []Entry {
	var out []Entry
	for _, e := range m.entries {
		if e.Scope == scope {
			out = append(out, e)
		}
	}
	return out
}

// Scopes are those that have entries, in their order: what is everywhere first.
func (m *Map) Scopes() []Scope {
	out := []Scope{Global}
	for _, e := range m.entries {
		if !slices.Contains(out, e.Scope) {
			out = append(out, e.Scope)
		}
	}
	return out
}

// Rebound reports whether a user has chosen the keys of an action.
func (m *Map) Rebound(scope Scope, action Action) bool {
	for i := range m.rebound {
		if m.entries[i].Scope == scope && m.entries[i].Action == action {
			return true
		}
	}
	return false
}

// Pressed returns the action of a scope that a key stands for.
func Pressed[K fmt.Stringer](m *Map, scope Scope, k K) (Action, bool) {
	for action, b := range m.bindings[scope] {
		if key.Matches(k, b) {
			return action, true
		}
	}
	return "", false
}

// Label is how keys are shown: "↑/k".
func Label(keys []string) string {
	names := map[string]string{
		"up": "↑", "down": "↓", "left": "←", "right": "→", "pgdown": "pgdn", "space": "space", "enter": "enter",
	}
	shown := make([]string, 0, 2)
	for _, k := range keys {
		if len(shown) == 2 { // the rest work too, and help stays readable
			break
		}
		if name, ok := names[k]; ok {
			k = name
		}
		shown = append(shown, k)
	}
	return strings.Join(shown, "/")
}

// Spell is a label of keys in ASCII.
func Spell(label string) string {
	return strings.NewReplacer("↑", "up", "↓", "down", "←", "left", "→", "right").Replace(label)
}
