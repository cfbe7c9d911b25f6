package collector

import (
	"fmt"
	"slices"
)

func (s *Screen) takeLog(msg logRead) {
	if !s.reading.Take(msg.question) {
		return
	}
	if s.logErr = msg.err; msg.err == nil {
		s.log, s.logFrom = append([]LogLine{}, msg.lines...), msg.from
	}
}

// logLines are the log's, the latest first: it is what one comes for.
func (s *Screen) logLines() []line {
	out := make([]line, 0, len(s.log))
	same := map[string]int{}
	for i := range slices.Backward(s.log) {
		l := &s.log[i]
		clock, when := "", ""
		if !l.At.IsZero() {
			clock, when = s.in(l.At).Format("01-02 15:04:05"), s.in(l.At).Format("2006-01-02 15:04:05.000 MST")
		}
		name := fmt.Sprint(l.At.UnixNano(), l.Text)
		same[name]++
		out = append(out, line{
			name: fmt.Sprint(name, same[name]), level: l.Level, plain: l.Level < Warn, cells: []string{clock, l.Name, l.Text},
			facts: []Fact{{Name: "time", Value: when}, {Name: "level", Value: l.Name}, {Name: "says", Value: l.Text, Level: l.Level}},
		})
	}
	return out
}

func (s *Screen) insteadOfLog() []string {
	switch {
	case s.logErr != nil: // an old one would be taken for the present one
		return s.failed("The collector's log cannot be read:", s.logErr)
	case len(s.log) > 0:
		return nil
	case s.reading.Waiting():
		return s.say("reading the log "+s.theme.Glyphs.Ellipsis, "esc stops it")
	}
	return s.say("r reads the log.", "")
}
