package sql

import (
	"slices"
	"strings"
)

// statement is a part of the text that ends with ";" or the text.
type statement struct {
	from, to int    // without space around it and the ";"
	end      int    // behind the ";"
	verb     string // its first word, in lower case
}

// defines reports whether a statement makes something for those after it.
func (s statement) defines() bool {
	return slices.Contains([]string{"create", "insert", "update", "delete", "drop"}, s.verb)
}

// statements parts a text.
func statements(text string, tokens []Token) (out []statement) {
	one := statement{from: -1}
	for _, t := range tokens {
		switch {
		case t.Kind == Sign && text[t.From:t.To] == ";":
			if one.verb != "" {
				one.end = t.To
				out = append(out, one)
			}
			one = statement{from: -1}
			continue
		case t.Kind != Comment && one.verb == "":
			one.verb = strings.ToLower(text[t.From:t.To])
		}
		if one.from < 0 {
			one.from = t.From
		}
		one.to = t.To
	}
	if one.verb != "" {
		one.end = len(text)
		out = append(out, one)
	}
	return out
}

// piece is a statement of the text in what is asked.
type piece struct{ asked, text, length int }

// asked is what a run at an offset of the text asks: the statement there,
// behind those before it that make something. pieces say where it comes from.
func asked(text string, tokens []Token, offset int) (sql string, pieces []piece) {
	all := statements(text, tokens)
	if len(all) == 0 {
		return "", nil
	}
	at := len(all) - 1
	for i, s := range all {
		if offset <= s.end {
			at = i
			break
		}
	}
	var b strings.Builder
	add := func(s statement) {
		if b.Len() > 0 {
			b.WriteString("\n;\n") // a comment that ends a statement ends with its line
		}
		pieces = append(pieces, piece{b.Len(), s.from, s.to - s.from})
		b.WriteString(text[s.from:s.to])
	}
	for _, s := range all[:at] {
		if s.defines() {
			add(s)
		}
	}
	add(all[at])
	return b.String(), pieces
}

// place is the offset in the text of one in what was asked, or -1.
func place(pieces []piece, at int) int {
	for _, p := range pieces {
		if at >= p.asked && at <= p.asked+p.length {
			return p.text + at - p.asked
		}
	}
	return -1
}

// params are the names of the parameters in a text, in their order.
func params(text string, tokens []Token) (out []string) {
	for _, t := range tokens {
		if name := text[t.From:t.To]; t.Kind == Param && !slices.Contains(out, name[1:]) {
			out = append(out, name[1:])
		}
	}
	return out
}
