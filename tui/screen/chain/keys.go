package chain

import (
	"charm.land/bubbles/v2/key"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The scopes: the screen, the choice of a verification, and the line in which
// an entry's number or a time is typed.
const (
	scope       = keymap.Scope(screen.Chain)
	verifyScope = keymap.Scope("chain.verify")
	gotoScope   = keymap.Scope("chain.goto")
)

// The actions.
const (
	up          keymap.Action = "up"
	down        keymap.Action = "down"
	pageUp      keymap.Action = "page-up"
	pageDown    keymap.Action = "page-down"
	first       keymap.Action = "first"
	last        keymap.Action = "last"
	open        keymap.Action = "open"
	back        keymap.Action = "back"
	nextChain   keymap.Action = "next-chain"
	prevChain   keymap.Action = "previous-chain"
	nextPart    keymap.Action = "next-part"
	prevPart    keymap.Action = "previous-part"
	verify      keymap.Action = "verify"
	object      keymap.Action = "verify-object"
	goTo        keymap.Action = "go-to"
	nextOdd     keymap.Action = "next-notable"
	prevOdd     keymap.Action = "previous-notable"
	filter      keymap.Action = "filter"
	investigate keymap.Action = "investigate"
	yank        keymap.Action = "copy"
	yankRaw     keymap.Action = "copy-entry"
	zone        keymap.Action = "time-zone"
	reload      keymap.Action = "reload"

	allChains keymap.Action = "all-chains"
	byChain   keymap.Action = "level-chain"
	byObjects keymap.Action = "level-objects"
	byContent keymap.Action = "level-content"
)

// Keys are the screen's entries of the key map.
func Keys() []keymap.Entry {
	e := func(s keymap.Scope, a keymap.Action, group, help string, keys ...string) keymap.Entry {
		return keymap.Entry{Scope: s, Action: a, Keys: keys, Help: help, Group: group}
	}
	return []keymap.Entry{
		e(scope, up, "move", "up", "up", "k"),
		e(scope, down, "move", "down", "down", "j"),
		e(scope, pageUp, "move", "page up", "pgup", "ctrl+b"),
		e(scope, pageDown, "move", "page down", "pgdown", "ctrl+f", "space"),
		e(scope, first, "move", "first", "home"),
		e(scope, last, "move", "last", "end", "G"),
		e(scope, prevChain, "move", "chain before", "left", "h"),
		e(scope, nextChain, "move", "next chain", "right", "l"),
		e(scope, nextPart, "move", "next part", "tab"),
		e(scope, prevPart, "move", "part before", "shift+tab"),
		e(scope, nextOdd, "move", "next notable", "n"),
		e(scope, prevOdd, "move", "notable before", "N"),
		e(scope, goTo, "move", "go to", "g"),
		e(scope, open, "look", "open", "enter"),
		e(scope, back, "look", "back, or stop", "esc"),
		e(scope, filter, "look", "filter", "f"),
		e(scope, zone, "look", "UTC or local", "u"),
		e(scope, reload, "look", "read again", "r", "f5"),
		e(scope, verify, "verify", "verify", "v"),
		e(scope, object, "verify", "verify object", "o"),
		e(scope, investigate, "use", "investigate", "i"),
		e(scope, yank, "use", "copy", "y"),
		e(scope, yankRaw, "use", "copy entry", "Y"),

		e(verifyScope, up, "level", "less deep", "up", "k"),
		e(verifyScope, down, "level", "deeper", "down", "j"),
		e(verifyScope, open, "level", "begin", "enter"),
		e(verifyScope, byChain, "level", "chain", "c"),
		e(verifyScope, byObjects, "level", "objects", "o"),
		e(verifyScope, byContent, "level", "content", "t"),
		e(verifyScope, allChains, "level", "this chain or all", "a"),
		e(verifyScope, back, "level", "do not", "esc"),

		e(gotoScope, open, "go", "go", "enter"),
		e(gotoScope, back, "go", "stay", "esc"),
	}
}

// Keys are those that work now.
func (s *Screen) Keys() []key.Binding {
	switch {
	case s.choosing:
		return s.live(verifyScope, open, up, down, allChains, back, byChain, byObjects, byContent)
	case s.typing:
		return s.live(gotoScope, open, back)
	}
	var out []keymap.Action
	if s.busy() || s.paneOpen || s.part != entries {
		out = append(out, back)
	}
	if s.book == nil {
		return s.live(scope, append(out, s.roundKeys()...)...)
	}
	switch {
	case s.paneOpen:
		out = append(out, up, down)
	case s.part == entries:
		out = append(out, open)
	case s.part == findings && len(s.found()) > 0:
		out = append(out, open)
	}
	out = append(out, verify, nextPart)
	if s.part == entries && s.table.Total() > 0 {
		out = append(out, s.entryKeys()...)
	}
	if s.part != entries || !s.paneOpen {
		out = append(out, up, down, pageUp, pageDown, first, last)
	}
	out = append(out, goTo, zone, prevPart)
	return s.live(scope, append(out, s.roundKeys()...)...)
}

func (s *Screen) entryKeys() []keymap.Action {
	var out []keymap.Action
	if s.entry != nil && !s.question().From.IsZero() {
		out = append(out, investigate)
	}
	out = append(out, filter, nextOdd, prevOdd)
	if s.entry != nil {
		if s.entry.Object != "" && !s.verifying.Waiting() {
			out = append(out, object)
		}
		out = append(out, yank, yankRaw)
	}
	return out
}

func (s *Screen) roundKeys() []keymap.Action {
	out := []keymap.Action{reload}
	if len(s.chains) > 1 {
		out = append(out, prevChain, nextChain)
	}
	return out
}

// live are the bindings of actions.
func (s *Screen) live(in keymap.Scope, actions ...keymap.Action) []key.Binding {
	out := make([]key.Binding, 0, len(actions))
	seen := map[keymap.Action]bool{}
	for _, a := range actions {
		if !seen[a] {
			seen[a] = true
			out = append(out, s.cfg.Keys.Key(in, a))
		}
	}
	return out
}
