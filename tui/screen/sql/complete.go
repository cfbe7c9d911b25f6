package sql

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/editor"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// completion is what the word at the cursor may become.
type completion struct {
	from, to int // the word
	words    []Word
	at, top  int
}

// maxChoices is how many of them are drawn at once.
const maxChoices = 8

// plainWords are known without the engine.
var plainWords = strings.Fields(`ALL AND AS ASC BETWEEN BY CASE CAST CREATE CROSS DESC DISTINCT ELSE END EXCEPT EXISTS FALSE FILTER FROM FULL
	GROUP HAVING ILIKE IN INNER INTERSECT INTERVAL IS JOIN LEFT LIKE LIMIT MACRO NOT NULL OFFSET ON OR ORDER OUTER OVER PARTITION
	QUALIFY RIGHT SELECT TABLE THEN TRUE UNION USING VALUES VIEW WHEN WHERE WINDOW WITH`)

// learn takes the engine's words; without them the plain ones stay.
func (s *Screen) learn(words []Word, err error) {
	s.words, s.wordsErr, s.kinds, s.asksWords = words, err, nil, false
	s.seen = -1
	s.retoken()
}

// know makes the table of words, by their lower case.
func (s *Screen) know() {
	s.kinds = map[string]WordKind{}
	for _, w := range s.words {
		s.kinds[strings.ToLower(w.Text)] = w.Kind
	}
	for _, w := range plainWords {
		s.kinds[strings.ToLower(w)] = Keyword
	}
	for _, view := range []string{"logs", "raw", "windows", "chain"} {
		s.kinds[view] = View
	}
}

// retoken looks at the text anew if it is another.
func (s *Screen) retoken() {
	if s.seen == s.editor.Version() || s.theme == nil {
		return
	}
	s.seen = s.editor.Version()
	if s.kinds == nil {
		s.know()
	}
	text := s.editor.Text()
	s.tokens, s.spans = s.cfg.Tongue.Tokens(text), s.spans[:0]
	for i, t := range s.tokens {
		if style, ok := s.ink(text, i); ok {
			s.spans = append(s.spans, editor.Span{From: t.From, To: t.To, Style: style})
		}
	}
}

// ink is the style of a token.
func (s *Screen) ink(text string, i int) (style theme.Style, ok bool) {
	t := s.tokens[i]
	switch t.Kind {
	case Comment:
		return s.theme.Dim, true
	case String:
		return s.theme.Good, true
	case Number:
		return s.theme.Status[3], true
	case Param:
		return s.theme.Marked, true
	case Name:
		word := strings.ToLower(text[t.From:t.To])
		kind, known := s.kinds[word]
		called := i+1 < len(s.tokens) && text[s.tokens[i+1].From:s.tokens[i+1].To] == "("
		switch {
		case known && kind == Keyword:
			return s.theme.Key, true
		case called:
			return s.theme.Status[3], true
		case known && (kind == Field || kind == View):
			return s.theme.Title.Bold(false), true
		}
	}
	return style, false
}

// complete completes the word at the cursor: at once if there is one way.
func (s *Screen) complete() {
	c := s.candidates()
	switch {
	case c == nil:
		s.editor.Insert("  ")
	case len(c.words) == 1:
		s.put(c, c.words[0])
	default:
		s.completing = c
	}
}

// candidates are what the word at the cursor may become; nil is nothing.
func (s *Screen) candidates() *completion {
	s.retoken()
	text, at := s.editor.Text(), s.editor.Offset()
	from, before := at, -1
	for i, t := range s.tokens {
		switch {
		case t.From < at && t.To >= at && t.Kind == Name:
			from = t.From
		case t.From < at && t.To > at || t.To == at && (t.Kind == Comment || t.Kind == Param || t.Kind == Number):
			return nil // in something that is no word
		case t.To <= at && t.Kind != Comment:
			before = i
		}
	}
	prefix, last := text[from:at], ""
	if before >= 0 {
		last = strings.ToLower(text[s.tokens[before].From:s.tokens[before].To])
	}
	c := &completion{from: from, to: at}
	for _, w := range s.fitting(prefix, last) {
		if len(w.Text) >= len(prefix) && strings.EqualFold(w.Text[:len(prefix)], prefix) {
			c.words = append(c.words, w)
		}
	}
	if len(c.words) == 0 {
		return nil
	}
	return c
}

// fitting are the words that may stand behind a token.
func (s *Screen) fitting(prefix, last string) []Word {
	opens := []string{"select", "where", "by", "and", "or", "on", "having", "distinct", "not", "(", ",", "=", "<", ">", "."}
	switch {
	case last == "from" || last == "join":
		return s.kind(View)
	case last == ".":
		return s.kind(Field)
	case prefix == "" && slices.Contains(opens, last):
		return s.kind(Field)
	case prefix == "":
		return nil
	}
	out := slices.Concat(s.kind(Field), s.kind(View), s.kind(Function))
	for _, w := range s.kind(Keyword) {
		if prefix == strings.ToLower(prefix) { // in the case that is typed
			w.Text = strings.ToLower(w.Text)
		}
		out = append(out, w)
	}
	return out
}

// kind are the words of a kind, or what is known of them without the engine.
func (s *Screen) kind(k WordKind) (out []Word) {
	for _, w := range s.words {
		if w.Kind == k {
			out = append(out, w)
		}
	}
	if len(out) > 0 {
		return out
	}
	switch k {
	case View:
		return []Word{{"chain", View, ""}, {"logs", View, ""}, {"raw", View, ""}, {"windows", View, ""}}
	case Keyword:
		for _, w := range plainWords {
			out = append(out, Word{Text: w, Kind: Keyword})
		}
	}
	return out
}

// put writes a word in place of the one that was begun.
func (s *Screen) put(c *completion, w Word) {
	s.completing = nil
	s.editor.Replace(c.from, c.to, w.Text)
	s.retoken()
}

// choose is a key while words are offered. It reports whether the key was for them.
func (s *Screen) choose(msg tea.KeyPressMsg) bool {
	c := s.completing
	action, _ := keymap.Pressed(s.cfg.Keys, inList, msg)
	if does, ok := keymap.Pressed(s.cfg.Keys, inEditor, msg); ok && does == complete {
		action = accept
	}
	switch action {
	case up:
		c.move(-1)
	case down:
		c.move(1)
	case pageUp:
		c.move(-maxChoices)
	case pageDown:
		c.move(maxChoices)
	case accept:
		s.put(c, c.words[c.at])
	case dismiss:
		s.completing = nil
	default:
		s.completing = nil
		if msg.Text == "" && msg.Code != tea.KeyBackspace {
			return false
		}
		s.editor.Key(msg) // what is typed narrows the choice
		s.fault = -1
		if again := s.candidates(); again != nil && again.from == c.from {
			s.completing = again
		}
		s.retoken()
	}
	return true
}

func (c *completion) move(by int) {
	c.at = max(0, min(c.at+by, len(c.words)-1))
	c.top = max(0, min(c.top, c.at))
	if c.at >= c.top+maxChoices {
		c.top = c.at - maxChoices + 1
	}
}
