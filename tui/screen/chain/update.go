package chain

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/ask"
	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	switch msg := msg.(type) {
	case listed:
		return nil, s.takeList(msg)
	case opened:
		return nil, s.takeBook(msg)
	case filled:
		return nil, s.takeRows(msg)
	case shown:
		s.takeEntry(msg)
	case ask.Progress[Progress]:
		return nil, s.takeProgress(msg)
	case verified:
		return s.takeVerdict(msg)
	case tea.KeyPressMsg:
		return s.key(msg)
	case tea.PasteMsg:
		s.paste(msg.Content)
	case tea.MouseClickMsg:
		return nil, s.click(msg.Mouse())
	case tea.MouseWheelMsg:
		return nil, s.wheel(msg.Mouse())
	}
	return nil, nil
}

func (s *Screen) takeProgress(msg ask.Progress[Progress]) tea.Cmd {
	at := map[*ask.Question]*Progress{&s.opening: &s.openAt, &s.verifying: &s.verifyAt}[msg.Question]
	if at == nil || !msg.Question.Is(msg.Number) {
		return nil
	}
	*at = msg.At
	return msg.Next()
}

func (s *Screen) takeList(msg listed) tea.Cmd {
	if !s.listing.Take(msg.question) {
		return nil
	}
	if s.listErr = msg.err; msg.err != nil {
		return nil
	}
	here := ID{}
	if s.at < len(s.chains) {
		here = s.chains[s.at].ID
	}
	s.chains = msg.chains
	s.at = max(0, slices.IndexFunc(s.chains, func(c Chain) bool { return c.ID == here }))
	switch {
	case !s.cfg.Front:
		return nil
	case s.want != nil:
		return s.follow()
	case s.book == nil && len(s.chains) > 0 && !s.opening.Waiting():
		return s.open()
	}
	return nil
}

func (s *Screen) takeBook(msg opened) tea.Cmd {
	if !s.opening.Take(msg.question) {
		return nil
	}
	if s.bookErr = msg.err; msg.err != nil {
		return nil
	}
	last, seq := true, int64(-1)
	if s.book != nil && s.table.Total() > 0 { // read again: the cursor stays, but on the newest it follows
		last, seq = s.table.Cursor() == s.table.Total()-1, s.seqAt(s.table.Cursor())
	}
	s.book, s.entry = &msg.book, nil
	s.sift()
	s.arrange()
	if s.want != nil && s.want.id == msg.book.ID && s.want.seq >= 0 {
		return s.follow()
	}
	s.want = nil
	s.table.To(s.rowOf(seq))
	if last {
		s.table.To(s.table.Total() - 1)
	}
	return s.moved()
}

func (s *Screen) takeRows(msg filled) tea.Cmd {
	if !s.filling.Take(msg.question) {
		return nil
	}
	if s.rowsErr = msg.err; msg.err != nil {
		return nil
	}
	rows := make([]table.Row, len(msg.rows))
	for i := range msg.rows {
		rows[i] = s.row(&msg.rows[i])
	}
	s.table.Fill(msg.first, rows)
	return s.fetch()
}

func (s *Screen) takeEntry(msg shown) {
	if !s.showing.Take(msg.question) {
		return
	}
	if s.entryErr = msg.err; msg.err == nil {
		s.entry = &msg.entry
	}
}

func (s *Screen) takeVerdict(msg verified) (screen.Intent, tea.Cmd) {
	if !s.verifying.Take(msg.question) {
		return nil, nil
	}
	if s.verifyErr = msg.err; msg.err != nil {
		return screen.Say{Level: screen.Bad, Text: "not verified: " + msg.err.Error()}, nil
	}
	v := msg.verdict
	for _, c := range s.chains {
		if v.Job.Chain == (ID{}) || v.Job.Chain == c.ID {
			s.verdicts[c.ID] = v
		}
	}
	seq, any := int64(0), s.table.Cursor() >= 0
	if any {
		seq = s.seqAt(s.table.Cursor())
	}
	s.foundAt, s.foundTop = 0, 0
	s.sift()
	s.table.To(s.rowOf(seq))
	cmd := s.moved()
	if n := int64(len(v.Findings)) + v.More; n > 0 {
		return screen.Say{Level: screen.Bad, Text: fmt.Sprintf("damaged or tampered with: %s; tab shows them", plural(n, "finding"))}, cmd
	}
	return screen.Say{Level: screen.Good, Text: "intact: " + scopeName(v.Job) + ", level " + string(v.Job.Level)}, cmd
}

// click puts the cursor on what is pointed at.
func (s *Screen) click(m tea.Mouse) tea.Cmd {
	l := s.layout()
	switch {
	case s.choosing || s.typing || s.book == nil:
		return nil
	case l.strip > 0 && m.Y == l.strip && len(s.book.Entries) > 0:
		return s.goSeq(int64(m.X) * int64(len(s.book.Entries)) / int64(s.width))
	case m.Y == l.tabs:
		if p, ok := s.partAt(m.X); ok {
			s.turn(p)
		}
	case m.Y < l.body || m.Y >= l.body+l.height:
		return nil
	case s.part == findings:
		s.clickFinding(m.Y - l.body)
	case s.part == entries && m.X < l.list:
		if row, ok := s.table.At(m.Y - l.body); ok {
			s.paneOpen = false
			s.table.To(row)
			return s.moved()
		}
	case s.part == entries && s.entry != nil:
		s.paneOpen = true
	}
	return nil
}

func (s *Screen) wheel(m tea.Mouse) tea.Cmd {
	by := int64(3)
	if m.Button == tea.MouseWheelUp {
		by = -3
	}
	if l := s.layout(); s.part == entries && !s.paneOpen && l.pane > 0 && m.X >= l.list {
		s.scrollBy(by)
		return nil
	}
	return s.moveBy(by)
}

// paste types what was pasted where something is typed.
func (s *Screen) paste(text string) {
	for _, r := range text {
		s.typeRune(r)
	}
}

// maxTyped is how much can be typed: an entry's number, or a time.
const maxTyped = 40

func (s *Screen) typeRune(r rune) {
	if s.typing && r >= ' ' && r < 0x7f && len(s.typed) < maxTyped {
		s.typed = append(s.typed, r)
	}
}
