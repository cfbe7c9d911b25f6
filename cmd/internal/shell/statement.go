package shell

import "strings"

// split returns the statements that end in text, each without its ";", and
// what is left behind the last of them.
func split(text string) (statements []string, rest string) {
	start := 0
	for i := 0; i < len(text); {
		next, closed := skip(text, i)
		if !closed {
			break // in a string or a comment that goes on
		}
		if text[i] == ';' {
			if s := strings.TrimSpace(text[start:i]); !blank(s) {
				statements = append(statements, s)
			}
			start = next
		}
		i = next
	}
	return statements, text[start:]
}

// blank reports whether a text has nothing but space and comments.
func blank(text string) bool { return firstWord(text) == "" }

// firstWord is the first token that is neither space nor a comment, in lower case.
func firstWord(text string) string {
	for i := 0; i < len(text); {
		next, _ := skip(text, i)
		space := strings.TrimSpace(text[i:next]) == ""
		comment := strings.HasPrefix(text[i:], "--") || strings.HasPrefix(text[i:], "/*")
		if !space && !comment {
			return strings.ToLower(text[i:next])
		}
		i = next
	}
	return ""
}

// skip returns the end of the token at i, and whether it is whole: a string or
// a comment may go on in the next line.
func skip(text string, i int) (end int, closed bool) {
	rest := text[i:]
	switch c := rest[0]; {
	case strings.HasPrefix(rest, "--"):
		return i + endOf(rest, "\n", 2), true
	case strings.HasPrefix(rest, "/*"):
		n, closed := comment(rest)
		return i + n, closed
	case len(rest) > 1 && (c == 'e' || c == 'E') && rest[1] == '\'':
		n, closed := escaped(rest[1:])
		return i + 1 + n, closed
	case c == '\'', c == '"': // a doubled quote is two strings: the same end
		n := endOf(rest, rest[:1], 1)
		return i + n, n > 1 && rest[n-1] == c
	case c == '$':
		n, closed := dollar(rest)
		return i + n, closed
	case wordByte(c):
		n := 1
		for n < len(rest) && (wordByte(rest[n]) || rest[n] == '$') {
			n++
		}
		return i + n, true
	}
	return i + 1, true
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// endOf returns the offset behind the first end at or behind from, or the length.
func endOf(s, end string, from int) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

// comment returns the end of a block comment, which nest.
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
	for i < len(s) && wordByte(s[i]) {
		i++
	}
	if i == len(s) || s[i] != '$' || i > 1 && s[1] >= '0' && s[1] <= '9' {
		return 1, true
	}
	tag := s[:i+1]
	n := endOf(s, tag, i+1)
	return n, n > i+1 && strings.HasSuffix(s[:n], tag) && n >= 2*len(tag)
}

// oneLine is a statement as history keeps it: a line comment would swallow
// what follows it.
func oneLine(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		next, closed := skip(text, i)
		token := text[i:next]
		switch {
		case strings.HasPrefix(token, "--"):
			b.WriteString("/*" + strings.ReplaceAll(strings.TrimRight(token[2:], "\n"), "*/", "* /") + " */ ")
		case token == "\n":
			b.WriteByte(' ')
		case closed && strings.Contains(token, "\n"):
			return "" // a string over several lines cannot be one line
		default:
			b.WriteString(token)
		}
		i = next
	}
	return strings.TrimSpace(b.String())
}
