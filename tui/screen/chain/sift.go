package chain

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// filtering is which entries the list has.
type filtering uint8

const (
	showAll filtering = iota
	showNotable
	showGaps
	showEmpty
	showRest
	filterings
)

var filterNames = [filterings]string{"all entries", "what is notable", "gaps", "empty windows", "what is no window"}

// notable reports whether an entry is more than a window or an observation.
func (s *Screen) notable(seq int64) bool {
	switch s.book.Entries[seq] {
	case Sealed, Empty, Observation, Expired:
		return s.damaged(seq)
	}
	return true
}

func (s *Screen) passes(seq int64) bool {
	state := s.book.Entries[seq]
	switch s.show {
	case showNotable:
		return s.notable(seq)
	case showGaps:
		return state == Gap
	case showEmpty:
		return state == Empty
	case showRest:
		return s.book.Starts[seq] == 0
	}
	return true
}

// sift makes the list anew, for another chain, filter or set of findings.
func (s *Screen) sift() {
	if s.book == nil {
		s.shown = nil
		s.table.Reset(0)
		return
	}
	s.marks()
	s.survey()
	s.shown = nil
	total := int64(len(s.book.Entries))
	if s.show != showAll {
		s.shown = []int64{}
		for seq := range total {
			if s.passes(seq) {
				s.shown = append(s.shown, seq)
			}
		}
		total = int64(len(s.shown))
	}
	s.filling.Stop()
	s.table.Reset(total)
}

// survey notes which states there are, and from when to when the windows are.
func (s *Screen) survey() {
	s.here, s.firstStart, s.lastStart = [states]bool{}, 0, 0
	for i, state := range s.book.Entries {
		s.here[state] = true
		if at := s.book.Starts[i]; at != 0 {
			s.lastStart = max(s.lastStart, at)
			if s.firstStart == 0 || at < s.firstStart {
				s.firstStart = at
			}
		}
	}
}

// marks collects which entries have findings.
func (s *Screen) marks() {
	s.hurt = map[int64]int{}
	for _, f := range s.found() {
		if f.Seq >= 0 && f.Chain == s.book.ID {
			s.hurt[f.Seq]++
		}
	}
}

func (s *Screen) damaged(seq int64) bool { return s.hurt[seq] > 0 }

// found are the findings that are known: those of reading the chain and those
// of its last verification, each once.
func (s *Screen) found() []Finding {
	if s.book == nil {
		return nil
	}
	v, ok := s.verdicts[s.book.ID]
	if !ok || len(v.Findings) == 0 {
		return s.book.Findings
	}
	out := slices.Clone(v.Findings)
	for _, f := range s.book.Findings {
		if !slices.ContainsFunc(v.Findings, func(g Finding) bool {
			return f.Chain == g.Chain && f.Code == g.Code && f.Seq == g.Seq && f.Object == g.Object
		}) {
			out = append(out, f)
		}
	}
	return out
}

// step looks for the next notable entry.
func (s *Screen) step(by int64) (int64, bool) {
	for row := s.table.Cursor() + by; row >= 0 && row < s.table.Total(); row += by {
		if seq := s.seqAt(row); s.notable(seq) {
			return seq, true
		}
	}
	return 0, false
}

// errNowhere: what was typed is no place in the chain.
var errNowhere = errors.New("want an entry's number, or a time such as 2026-11-23 14:00")

// goTyped goes to the entry of a number, or to the first whose window ends
// behind a time or begins with it.
func (s *Screen) goTyped(text string) (tea.Cmd, error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n < 0 || n >= int64(len(s.book.Entries)) {
			return nil, errNoEntry(n, len(s.book.Entries))
		}
		return s.goSeq(n), nil
	}
	in := time.UTC
	if s.local {
		in = s.cfg.Local
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"} {
		at, err := time.ParseInLocation(layout, text, in)
		if err != nil {
			continue
		}
		seq, ok := s.byTime(at.Unix())
		if !ok {
			return nil, fmt.Errorf("no window begins at or before %s", text)
		}
		return s.goSeq(seq), nil
	}
	return nil, errNowhere
}

// byTime is the entry of the last window that begins at or before a time.
func (s *Screen) byTime(at int64) (int64, bool) {
	best := int64(-1)
	for seq, start := range s.book.Starts {
		if start != 0 && start <= at && (best < 0 || cmp.Compare(start, s.book.Starts[best]) >= 0) {
			best = int64(seq)
		}
	}
	return best, best >= 0
}

func errNoEntry(seq int64, of int) error {
	if of == 0 {
		return fmt.Errorf("there is no entry %d: the chain has none", seq)
	}
	return fmt.Errorf("there is no entry %d: the chain has 0 to %d", seq, of-1)
}

func errNoChain(id ID) error {
	return fmt.Errorf("the archive has no chain %s/%s", id.Zone, id.Dataset)
}
