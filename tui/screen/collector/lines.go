package collector

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// column is one of a part's list.
type column struct {
	name  string
	width int // the widest one, which takes what is left, has 0
	right bool
}

// line is a row of a list, and what is told of it below.
type line struct {
	name  string // tells it from the others, over a look anew too
	level Level
	cells []string
	facts []Fact
	plain bool // its level needs no sign
}

// sealedWidth is that of a day and a time; without the year it is narrow.
const sealedWidth, sealedNarrow = 16, 11

var columns = [parts][]column{
	zones: {
		{"ZONE", 0, false}, {"STATE", 20, false}, {"SEALED TO", sealedWidth, false}, {"LAG", 6, true}, {"OPEN", 5, true},
		{"RETRY", 5, true}, {"BLOCKED", 7, true},
	},
	windows: {{"WINDOW", 20, false}, {"ZONE", 14, false}, {"STATE", 8, false}, {"TRIED", 5, true}, {"NEXT", 8, false}, {"REASON", 0, false}},
	queue: {
		{"JOB", 7, true}, {"STATE", 9, false}, {"KIND", 9, false}, {"ZONE", 18, false}, {"TRIED", 5, true}, {"DUE", 8, false}, {"LAST ERROR", 0, false},
	},
	plugins: {{"PLUGIN", 16, false}, {"KIND", 7, false}, {"VERSION", 12, false}, {"STATE", 12, false}, {"USED BY", 0, false}},
	logs:    {{"TIME", 15, false}, {"LEVEL", 5, false}, {"THE LATEST FIRST", 0, false}},
	checks:  {{"CHECK", 9, false}, {"OF", 20, false}, {"FOUND", 0, false}},
}

// lines are those of the part that is shown.
func (s *Screen) lines() []line {
	switch s.part {
	case plugins:
		return s.pluginLines()
	case checks:
		return s.checkLines()
	case logs:
		return s.logLines()
	}
	if s.now == nil {
		return nil
	}
	switch s.part {
	case zones:
		return s.zoneLines()
	case windows:
		return s.windowLines()
	}
	return s.jobLines()
}

func (s *Screen) zoneLines() []line {
	out := make([]line, 0, len(s.now.Zones))
	for i := range s.now.Zones {
		z := &s.now.Zones[i]
		sealed := "-"
		if !z.SealedUntil.IsZero() {
			sealed = s.in(z.SealedUntil).Format(map[bool]string{true: "01-02 15:04", false: "2006-01-02 15:04"}[s.narrow()])
		}
		out = append(out, line{
			name: z.Zone + "/" + z.Dataset, level: z.Level,
			cells: []string{z.Name, z.State, sealed, short(z.Lag), fmt.Sprint(z.Open()), number(z.Retrying), number(z.BlockedWindows)},
			facts: s.zoneFacts(z),
		})
	}
	return out
}

func (s *Screen) zoneFacts(z *Zone) []Fact {
	var out []Fact
	if z.Blocked {
		out = append(out, Fact{Name: "blocked", Value: z.Detail, Level: Bad}, Fact{Name: "what to do", Value: z.Remedy, Level: Warn}, Fact{Name: "since", Time: z.Since})
	}
	if !z.NotBefore.IsZero() {
		out = append(out, Fact{Name: "rests until", Time: z.NotBefore})
	}
	open := fmt.Sprintf("%d planned, %d being pulled, %d to be tried again, %d blocked", z.Planned, z.Pulling, z.Retrying, z.BlockedWindows)
	out = append(out, Fact{Name: "open windows", Value: open})
	out = append(out, s.now.Budgets...)
	if !z.OldestOpen.IsZero() {
		out = append(out, Fact{Name: "oldest open", Time: z.OldestOpen})
	}
	schedule := z.Schedule
	if schedule == "" {
		schedule = "the collector's"
	}
	out = append(out, Fact{Name: "schedule", Value: schedule}, Fact{Name: "source", Value: strings.TrimSpace(z.Source + " " + z.Subject)}, Fact{Name: "id", Value: z.Zone + "/" + z.Dataset})
	if !z.From.IsZero() {
		out = append(out, Fact{Name: "begins", Time: z.From})
	}
	return append(out, Fact{Name: "added", Time: z.AddedAt})
}

func (s *Screen) windowLines() []line {
	out := make([]line, 0, len(s.now.Windows))
	for i := range s.now.Windows {
		w := &s.now.Windows[i]
		out = append(out, line{
			name: w.Zone + w.Dataset + w.From.String(), level: w.Level,
			cells: []string{s.window(w.From, w.To), w.Name, w.State, fmt.Sprint(w.Attempts), s.until(w.Next), strings.TrimSpace(w.Reason + " " + w.Detail)},
			facts: []Fact{
				{Name: "window", Value: s.window(w.From, w.To) + ", receive time"}, {Name: "zone", Value: w.Name + "  " + w.Zone + "/" + w.Dataset},
				{Name: "state", Value: fmt.Sprintf("%s after %s", w.State, tries(w.Attempts))}, {Name: "not before", Time: w.Next},
				{Name: "reason", Value: w.Reason, Level: w.Level}, {Name: "detail", Value: w.Detail}, {Name: "what to do", Value: w.Remedy, Level: Warn},
			},
		})
	}
	return out
}

func (s *Screen) jobLines() []line {
	out := make([]line, 0, len(s.now.Jobs))
	for i := range s.now.Jobs {
		j := &s.now.Jobs[i]
		lastErr := ""
		if n := len(j.Failures); n > 0 {
			lastErr = j.Failures[n-1].Text
		}
		out = append(out, line{
			name: fmt.Sprint(j.Number), level: j.Level,
			cells: []string{fmt.Sprint(j.Number), j.State, j.Kind, j.Name, fmt.Sprintf("%d/%d", j.Attempt, j.Attempts), s.until(j.Due), lastErr},
			facts: s.jobFacts(j),
		})
	}
	return out
}

func (s *Screen) jobFacts(j *Job) []Fact {
	out := []Fact{{Name: "job", Value: fmt.Sprintf("%d, %s in queue %s", j.Number, j.Kind, j.Queue)}, {Name: "zone", Value: j.Name}}
	if !j.From.IsZero() {
		out = append(out, Fact{Name: "window", Value: s.window(j.From, j.To)})
	}
	out = append(out, Fact{Name: "state", Value: fmt.Sprintf("%s, attempt %d of at most %d", j.State, j.Attempt, j.Attempts)},
		Fact{Name: "due", Time: j.Due}, Fact{Name: "tried last", Time: j.Tried}, Fact{Name: "by", Value: j.By}, Fact{Name: "made", Time: j.Created})
	for i := range slices.Backward(j.Failures) {
		f := &j.Failures[i]
		out = append(out, Fact{Name: fmt.Sprintf("failure %d", f.Attempt), Value: s.moment(f.At) + ": " + f.Text, Level: Warn})
	}
	return out
}

func (s *Screen) pluginLines() []line {
	out := make([]line, 0, len(s.plugins))
	for i := range s.plugins {
		p := &s.plugins[i]
		used := strings.Join(p.UsedBy, ", ")
		out = append(out, line{
			name: p.Kind + "/" + p.Name, level: p.Level, cells: []string{p.Name, p.Kind, p.Version, p.State, used},
			facts: []Fact{
				{Name: "plugin", Value: p.Kind + " " + p.Name + " " + p.Version}, {Name: "state", Value: p.State, Level: p.Level}, {Name: "used by", Value: used},
				{Name: "file", Value: p.File}, {Name: "SHA-256", Value: p.SHA256}, {Name: "detail", Value: p.Detail, Level: Warn},
			},
		})
	}
	return out
}

func (s *Screen) checkLines() []line {
	var out []line
	if s.now != nil { // what the daemon says of itself
		for _, f := range s.now.Daemon.Facts {
			out = append(out, line{
				name: "daemon " + f.Name, level: f.Level, cells: []string{"daemon", f.Name, f.Value},
				facts: []Fact{{Name: "daemon", Value: f.Name}, {Name: "says", Value: f.Value, Level: f.Level}},
			})
		}
	}
	for i := range s.checks {
		c := &s.checks[i]
		out = append(out, line{
			name: fmt.Sprint(i, c.Name, c.Subject), level: c.Level, cells: []string{c.Name, c.Subject, c.Found},
			facts: []Fact{{Name: "check", Value: strings.TrimSpace(c.Name + " " + c.Subject)}, {Name: "found", Value: c.Found, Level: c.Level}, {Name: "what to do", Value: c.ToBeDone, Level: Warn}},
		})
	}
	return out
}

// narrow: there is no room for what can be left out.
func (s *Screen) narrow() bool { return s.width < 100 }

// cursor is the line under the cursor; one that is gone gives it to the first.
func (s *Screen) cursor() int {
	return max(0, slices.IndexFunc(s.lines(), func(l line) bool { return l.name == s.cursors[s.part] }))
}

func (s *Screen) move(by int) {
	lines := s.lines()
	if len(lines) == 0 {
		return
	}
	s.cursors[s.part] = lines[max(0, min(s.cursor()+by, len(lines)-1))].name
	s.tops[s.part] = s.top()
}

func (s *Screen) in(t time.Time) time.Time {
	if s.local {
		return t.In(s.cfg.Local)
	}
	return t.UTC()
}

// moment is a time to the second, with its zone.
func (s *Screen) moment(t time.Time) string { return s.in(t).Format("2006-01-02 15:04:05 MST") }

func (s *Screen) window(from, to time.Time) string {
	if from.IsZero() {
		return ""
	}
	layout := "2006-01-02 15:04"
	if s.in(from).Second() != 0 {
		layout = "2006-01-02 15:04:05"
	}
	return s.in(from).Format(layout) + " +" + short(to.Sub(from))
}

// until is how far off a time is, as of the look.
func (s *Screen) until(t time.Time) string {
	switch d := t.Sub(s.now.At); {
	case t.IsZero():
		return ""
	case d <= 0:
		return "now"
	default:
		return "in " + short(d)
	}
}

func tries(n int) string {
	if n == 1 {
		return "1 failed attempt"
	}
	return fmt.Sprintf("%d failed attempts", n)
}

// number leaves out a zero: what is not zero is to be seen.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// short leaves out what nobody looks at: the seconds of hours, the minutes of days.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour && d%time.Minute < time.Second:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d%time.Hour < time.Minute && d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// cut is a text of at most so many cells that may be drawn.
func cut(text string, width int) string { return safetext.Cut(text, width) }
