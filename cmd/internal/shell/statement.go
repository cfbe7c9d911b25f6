package shell

import (
	"strings"

	"github.com/fabriziosalmi/rainlogs/query/sqltext"
)

// split returns the statements that end in text, each without its ";", and
// what is left behind the last of them.
func split(text string) (statements []string, rest string) {
	start := 0
	for i := 0; i < len(text); {
		next, _, closed := sqltext.Next(text, i)
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
		next, kind, _ := sqltext.Next(text, i)
		if kind != sqltext.Blank {
			return strings.ToLower(text[i:next])
		}
		i = next
	}
	return ""
}

// oneLine is a statement as history keeps it: a line comment would swallow
// what follows it.
func oneLine(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		next, _, closed := sqltext.Next(text, i)
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
