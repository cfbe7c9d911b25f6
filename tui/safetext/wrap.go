package safetext

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// wrapMost is how many bytes of a text are wrapped: nobody reads more of an error, and some are 300 KiB.
const wrapMost = 4096

// Wrap parts a text from anywhere into lines of at most width cells: at its line feeds, and where they are longer,
// behind blanks and the signs between the parts of a path, or else anywhere. Long texts are cut, which is shown.
func Wrap(s string, width int) []string {
	width = max(1, width)
	if len(s) > wrapMost {
		end := wrapMost
		for end > wrapMost-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + Ellipsis
	}
	var out []string
	for part := range strings.SplitSeq(s, "\n") {
		// Wrap lets a sign hang over the edge.
		out = append(out, strings.Split(ansi.Hardwrap(ansi.Wrap(Line(part), width, " /:,"), width, true), "\n")...)
	}
	return out
}
