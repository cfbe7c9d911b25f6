package collector

import (
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// instead is what is said where there is no list, nil where there is one.
func (s *Screen) instead() []string {
	switch s.part {
	case plugins:
		return s.insteadOfPlugins()
	case checks:
		return s.insteadOfChecks()
	case logs:
		return s.insteadOfLog()
	}
	switch {
	case s.now == nil && s.err != nil:
		return s.failed("The collector's catalog cannot be looked at:", s.err)
	case s.now == nil:
		return s.say("looking at the collector "+s.theme.Glyphs.Ellipsis, "")
	case len(s.lines()) > 0:
		return nil
	case s.part == zones:
		return s.say("No zone is under collection yet.", "rainlogs zone add NAME adds one.")
	case s.part == windows:
		return s.say("No window is being pulled, waits for another try, or is blocked.", "")
	case s.now.Hidden:
		return s.say("The collector's queue is not to be seen from here.", "Its windows are: they tell what is pulled, waits, or is blocked.")
	case s.now.NoQueue:
		return s.say("No collector has run yet: there is no queue.", "rainlogs collector, or rainlogsd, collects by a schedule; P on a zone pulls it now.")
	}
	return s.say("The queue is empty.", "")
}

func (s *Screen) insteadOfPlugins() []string {
	switch {
	case s.plugins != nil:
		return nil
	case s.plugErr != nil:
		return s.failed("The plugins cannot be listed:", s.plugErr)
	case s.plugging.Waiting():
		return s.say("listing the plugins "+s.theme.Glyphs.Ellipsis, "esc stops it")
	}
	return s.say("r lists the plugins.", "")
}

func (s *Screen) insteadOfChecks() []string {
	switch {
	case s.checking.Waiting():
		return s.say("looking at config, stores, key, catalog, chains, zones, clock and collector "+s.theme.Glyphs.Ellipsis, "esc stops it")
	case s.chkErr != nil && s.checks == nil:
		return s.failed("The checks cannot be made:", s.chkErr)
	case len(s.checkLines()) > 0:
		return nil
	}
	return s.say("r looks at everything that collecting needs, and says what to do about what is wrong.", "It takes some seconds, and asks the sources about their zones.")
}

// say is a line, and what else there is to know.
func (s *Screen) say(text, then string) []string {
	out := []string{"", s.theme.Text.Render(cut("  "+text, s.width))}
	if then == "" {
		return out
	}
	out = append(out, "")
	for _, l := range safetext.Wrap(then, s.width-4) {
		out = append(out, "  "+s.theme.Dim.Render(l))
	}
	return out
}

// failed says what went wrong and, where that is known, what to do.
func (s *Screen) failed(what string, err error) []string {
	out := []string{"", s.theme.Bad.Render(cut("  "+s.theme.Glyphs.Bad+" "+what, s.width)), ""}
	text, remedy, ok := strings.Cut(err.Error(), " → ")
	if !ok {
		remedy = "r tries again"
	}
	for _, l := range safetext.Wrap(text, s.width-4) {
		out = append(out, "  "+l)
	}
	out = append(out, "")
	for i, l := range safetext.Wrap(remedy, s.width-6) {
		out = append(out, map[bool]string{true: "  → ", false: "    "}[i == 0]+s.theme.Warn.Render(l))
	}
	return out
}
