// Package sqltext parts SQL into tokens as DuckDB's own scanner does: enough to
// find where a statement ends and what a name is, and nothing of its grammar.
package sqltext

import "strings"

// Kind says what a token is.
type Kind uint8

// The kinds.
const (
	Other Kind = iota // a string, a number's sign, an operator, punctuation
	Blank             // space or a comment
	Word
	QuotedName
)

// Next returns the end of the token at i and its kind. A string, a quoted name
// or a comment that goes on behind the text is not closed.
func Next(sql string, i int) (end int, kind Kind, closed bool) {
	rest := sql[i:]
	n, closed := 1, true
	switch c := sql[i]; {
	case c == ' ' || c >= '\t' && c <= '\r':
		kind = Blank
	case strings.HasPrefix(rest, "--"):
		n, _ = until(rest, "\n", 2) // the end of the text ends it too
		kind = Blank
	case strings.HasPrefix(rest, "/*"):
		n, closed = comment(rest)
		kind = Blank
	case len(rest) > 1 && (c == 'e' || c == 'E') && rest[1] == '\'':
		n, closed = escaped(rest[1:])
		n++
	case c == '\'':
		n, closed = until(rest, "'", 1) // a doubled quote is two strings: the same end
	case c == '"':
		n, closed = quoted(rest)
		kind = QuotedName
	case c == '$':
		n, closed = dollar(rest)
	case WordByte(c):
		for n < len(rest) && (WordByte(rest[n]) || rest[n] == '$') {
			n++
		}
		kind = Word
	}
	return i + n, kind, closed
}

// quoted returns the end of a quoted name, in which a quote is doubled.
func quoted(s string) (int, bool) {
	for i := 1; ; {
		var closed bool
		i, closed = until(s, `"`, i)
		if i >= len(s) || s[i] != '"' {
			return i, closed
		}
		i++
	}
}

// WordByte reports whether a byte can stand in a name.
func WordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// until returns the offset behind the first end at or behind from, or the
// length if there is none.
func until(s, end string, from int) (int, bool) {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end), true
	}
	return len(s), false
}

// comment returns the end of a block comment, which nest as in PostgreSQL.
func comment(s string) (int, bool) {
	for i, depth := 0, 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(s), false
}

// escaped returns the end of an E'…' string, in which a backslash escapes.
func escaped(s string) (int, bool) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\'':
			return i + 1, true
		}
	}
	return len(s), false
}

// dollar returns the end of a $tag$…$tag$ string, or of the "$" of a parameter.
func dollar(s string) (int, bool) {
	i := 1
	for i < len(s) && WordByte(s[i]) {
		i++
	}
	if i == len(s) || s[i] != '$' || i > 1 && s[1] >= '0' && s[1] <= '9' {
		return 1, true
	}
	return until(s, s[:i+1], i+1)
}
