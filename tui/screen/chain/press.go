package chain

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// key goes to what is above, or else to the screen.
func (s *Screen) key(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	switch {
	case s.typing:
		return s.keyTyped(msg)
	case s.choosing:
		return nil, s.keyChoosing(msg)
	}
	action, _ := keymap.Pressed(s.cfg.Keys, scope, msg)
	switch action {
	case back:
		return s.goBack(), nil
	case reload:
		return nil, tea.Batch(s.list(), s.open())
	case prevChain, nextChain:
		return nil, s.turnChain(map[keymap.Action]int{prevChain: -1, nextChain: 1}[action])
	}
	if s.book == nil {
		return nil, nil
	}
	switch action {
	case nextPart:
		s.turn((s.part + 1) % parts)
	case prevPart:
		s.turn((s.part + parts - 1) % parts)
	case verify:
		s.choosing = true
	case goTo:
		s.typing, s.typed, s.part, s.paneOpen = true, nil, entries, false
	case zone:
		s.local = !s.local
		s.table.Reset(s.table.Total()) // the times in it are others
		s.filling.Stop()
		return nil, s.fetch()
	case open:
		return s.enter()
	default:
		if s.part == entries {
			if intent, cmd, ok := s.keyEntries(action); ok {
				return intent, cmd
			}
		}
		return nil, s.keyMove(action)
	}
	return nil, nil
}

// keyEntries does what is done to an entry.
func (s *Screen) keyEntries(action keymap.Action) (screen.Intent, tea.Cmd, bool) {
	switch action {
	case filter:
		return s.refilter()
	case nextOdd, prevOdd:
		seq, ok := s.step(map[keymap.Action]int64{nextOdd: 1, prevOdd: -1}[action])
		if !ok {
			return screen.Say{Text: "nothing more is notable there: no gap, expiry, hold, key or finding"}, nil, true
		}
		return nil, s.goSeq(seq), true
	}
	if s.entry == nil {
		return nil, nil, false
	}
	switch action {
	case investigate:
		if v := s.question(); !v.From.IsZero() {
			return screen.Go{To: screen.Investigate, Arg: v}, nil, true
		}
		return screen.Say{Level: screen.Warn, Text: "this entry is no window: it has no records"}, nil, true
	case object:
		return s.checkObject()
	case yank:
		if s.entry.Object == "" {
			return screen.Copy{Text: s.entry.Raw, What: fmt.Sprintf("entry %d as it was sealed", s.entry.Seq)}, nil, true
		}
		return screen.Copy{Text: s.entry.SHA256 + "  " + s.entry.Object, What: "the object's SHA-256 and key, as sha256sum --check reads them"}, nil, true
	case yankRaw:
		return screen.Copy{Text: s.entry.Raw, What: fmt.Sprintf("entry %d as it was sealed", s.entry.Seq)}, nil, true
	}
	return nil, nil, false
}

func (s *Screen) refilter() (screen.Intent, tea.Cmd, bool) {
	seq, any := int64(0), s.table.Cursor() >= 0
	if any {
		seq = s.seqAt(s.table.Cursor())
	}
	s.show = (s.show + 1) % filterings
	s.sift()
	s.table.To(s.rowOf(seq))
	return screen.Say{Text: fmt.Sprintf("shown: %s (%d)", filterNames[s.show], s.table.Total())}, s.moved(), true
}

func (s *Screen) checkObject() (screen.Intent, tea.Cmd, bool) {
	switch {
	case s.entry.Object == "":
		return screen.Say{Text: "this entry has no object"}, nil, true
	case s.verifying.Waiting():
		return screen.Say{Level: screen.Warn, Text: "a verification is under way: esc stops it"}, nil, true
	}
	return nil, s.verify(Job{Level: LevelContent, Chain: s.book.ID, Object: s.entry.Object}), true
}

func (s *Screen) keyMove(action keymap.Action) tea.Cmd {
	page := int64(max(1, s.layout().height-2))
	const far = int64(1) << 40
	by, ok := map[keymap.Action]int64{up: -1, down: 1, pageUp: -page, pageDown: page, first: -far, last: far}[action]
	if !ok {
		return nil
	}
	return s.moveBy(by)
}

// moveBy moves the cursor of what has the keys.
func (s *Screen) moveBy(by int64) tea.Cmd {
	switch {
	case s.book == nil:
	case s.part == findings:
		s.foundAt = int(max(0, min(int64(s.foundAt)+by, int64(len(s.found())-1))))
		s.foundTop = s.firstFinding()
	case s.part == head || s.paneOpen:
		s.scrollBy(by)
	default:
		s.table.Move(by)
		return s.moved()
	}
	return nil
}

// scrollBy scrolls the checkpoint or the entry, as far as there is something.
func (s *Screen) scrollBy(by int64) {
	l := s.layout()
	lines := 0
	switch {
	case s.part == head:
		lines = len(s.headLines(s.width))
	case l.pane > 0:
		lines = len(s.paneLines(l.pane))
	default:
		lines = len(s.paneLines(s.width))
	}
	s.scroll = int(max(0, min(int64(s.scroll)+by, int64(lines-l.height))))
}

// enter opens what is under the cursor.
func (s *Screen) enter() (screen.Intent, tea.Cmd) {
	switch s.part {
	case entries:
		s.paneOpen = s.table.Total() > 0
	case findings:
		found := s.found()
		if s.foundAt >= len(found) {
			return nil, nil
		}
		f := found[s.foundAt]
		if f.Seq < 0 {
			return screen.Say{Text: "this finding is of no single entry"}, nil
		}
		s.want = &wanted{id: f.Chain, seq: f.Seq}
		return nil, s.follow()
	}
	return nil, nil
}

// goBack closes what is open, else stops what is under way.
func (s *Screen) goBack() screen.Intent {
	switch {
	case s.paneOpen:
		s.paneOpen, s.scroll = false, 0
	case s.verifying.Stop():
		return screen.Say{Level: screen.Warn, Text: "verification stopped: nothing is concluded"}
	case s.opening.Stop():
		return screen.Say{Text: "reading the chain was stopped"}
	case s.listing.Stop():
		return screen.Say{Text: "listing the chains was stopped"}
	case s.part != entries:
		s.turn(entries)
	}
	return nil
}

func (s *Screen) turn(p part) { s.part, s.scroll, s.paneOpen = p, 0, false }

// turnChain goes to the chain beside.
func (s *Screen) turnChain(by int) tea.Cmd {
	if len(s.chains) < 2 {
		return nil
	}
	s.at = (s.at + by + len(s.chains)) % len(s.chains)
	s.want, s.listErr = nil, nil
	return s.open()
}

// levels are the levels to choose from, and what each looks at.
var levels = []struct {
	level      Level
	key        keymap.Action
	name, what string
}{
	{LevelChain, byChain, "chain", "signatures, entries, tree and tiles, published checkpoints"},
	{LevelObjects, byObjects, "objects", "and every stored byte of every object"},
	{LevelContent, byContent, "content", "and every line in them, decompressed"},
}

func (s *Screen) keyChoosing(msg tea.KeyPressMsg) tea.Cmd {
	action, _ := keymap.Pressed(s.cfg.Keys, verifyScope, msg)
	switch action {
	case up:
		s.level = max(0, s.level-1)
	case down:
		s.level = min(len(levels)-1, s.level+1)
	case allChains:
		s.all = !s.all
	case back:
		s.choosing = false
	case open:
		return s.verify(s.job())
	default:
		for i, l := range levels {
			if action == l.key {
				s.level = i
				return s.verify(s.job())
			}
		}
	}
	return nil
}

// job is the verification that was chosen.
func (s *Screen) job() Job {
	j := Job{Level: levels[s.level].level}
	if !s.all {
		j.Chain = s.book.ID
	}
	return j
}

func (s *Screen) keyTyped(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, gotoScope, msg)
	switch {
	case action == back:
		s.typing = false
	case action == open:
		s.typing = false
		if len(s.typed) == 0 {
			return nil, nil
		}
		cmd, err := s.goTyped(string(s.typed))
		if err != nil {
			return screen.Say{Level: screen.Warn, Text: err.Error()}, nil
		}
		return nil, cmd
	case msg.Code == tea.KeyBackspace:
		s.typed = s.typed[:max(0, len(s.typed)-1)]
	default:
		for _, r := range msg.Text {
			s.typeRune(r)
		}
	}
	return nil, nil
}
