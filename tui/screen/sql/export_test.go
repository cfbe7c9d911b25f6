package sql

import tea "charm.land/bubbletea/v2"

// Answered tells the answer to a question from other messages.
func Answered(msg tea.Msg) (*Answer, bool) {
	a, ok := msg.(answered)
	return a.answer, ok
}
