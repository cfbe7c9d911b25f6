package site

import (
	"fmt"
	"io"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Data is where foreign text goes: as it is into a file or pipe, byte for
// byte; harmless onto a terminal, which would obey the sequences in it. Close
// writes what is left and leaves standard output open.
func (e *Env) Data() io.WriteCloser {
	if e.OutTerminal {
		return &visible{w: e.Out}
	}
	return nopCloser{e.Out}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// visible writes what is not printable as an escape, and lines and tabs as
// they are. A rune may be split between two writes.
type visible struct {
	w    io.Writer
	rest []byte // the beginning of a rune
}

func (v *visible) Write(p []byte) (int, error) {
	text := append(v.rest, p...)
	out := make([]byte, 0, len(text)+len(text)/8)
	for len(text) > 0 && utf8.FullRune(text) {
		r, n := utf8.DecodeRune(text)
		out = appendVisible(out, r, text[:n])
		text = text[n:]
	}
	v.rest = append([]byte(nil), text...)
	if _, err := v.w.Write(out); err != nil {
		return 0, fmt.Errorf("write to the terminal: %w", err)
	}
	return len(p), nil
}

func (v *visible) Close() error {
	var out []byte
	for _, c := range v.rest { // no rune ends here
		out = appendVisible(out, utf8.RuneError, []byte{c})
	}
	v.rest = nil
	if _, err := v.w.Write(out); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}

func appendVisible(out []byte, r rune, raw []byte) []byte {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Appendf(out, `\x%02x`, raw[0])
	case r == '\n' || r == '\t' || printable(r):
		return append(out, raw...)
	}
	quoted := strconv.QuoteRuneToASCII(r)
	return append(out, quoted[1:len(quoted)-1]...)
}

// printable is what a terminal shows and does not obey.
func printable(r rune) bool {
	return r == ' ' || unicode.IsPrint(r) && !unicode.Is(unicode.Bidi_Control, r)
}
