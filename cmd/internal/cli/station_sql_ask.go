package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/sqltext"
	"github.com/fabriziosalmi/rainlogs/query/worker"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/sql"
)

// What is kept of an answer on the screen.
const (
	keptRows  = 100_000
	keptBytes = 64 << 20
	keptCell  = 1 << 20
	cellBytes = 24 // of a cell beside its text
)

// Ask asks a worker.
func (d *sqlDesk) Ask(ctx context.Context, q sql.Question, progress func(sql.Progress)) (_ *sql.Answer, err error) {
	ctx, done := d.begin(ctx)
	defer done()
	started := d.env.Now()
	asked, err := d.asked(q)
	if err != nil {
		return nil, err
	}
	asked.Progress = func(p worker.Progress) { progress(sqlProgress(p)) }
	client, err := d.asker()
	if err != nil {
		return nil, err
	}
	res, err := client.Ask(ctx, asked)
	if err != nil {
		return nil, sqlFault(q.SQL, err)
	}
	defer func() { err = errors.Join(err, res.Close()) }()
	a := &sql.Answer{}
	for _, c := range res.Columns {
		a.Columns = append(a.Columns, sql.Column{Name: c.Name, Type: c.Type, Sort: sortOf(c.Type)})
	}
	if err := keep(a, res, progress); err != nil {
		return nil, sqlFault(q.SQL, err)
	}
	a.Evidence, a.Archive, a.Ground = standsOn(res.Provenance), d.archive, groundOf(res.Provenance, q.Scope)
	a.Took = d.env.Now().Sub(started)
	return a, nil
}

func (d *sqlDesk) asked(q sql.Question) (worker.Question, error) {
	r, err := d.span(q.Scope)
	if err != nil {
		return worker.Question{}, err
	}
	out := worker.Question{SQL: q.SQL, Zones: q.Scope.Zones, Range: r, SkipDamaged: q.Scope.SkipDamaged, Limits: worker.Limits{Timeout: d.max}}
	for name, value := range q.Params {
		if out.Params == nil {
			out.Params = map[string]any{}
		}
		out.Params[name] = value
	}
	return out, nil
}

func sqlProgress(p worker.Progress) sql.Progress {
	words := map[worker.Phase]string{worker.Objects: "checking objects", worker.Lines: "reading lines"}
	return sql.Progress{Phase: words[p.Phase], Done: p.Done, Total: p.Total}
}

func sortOf(sqlType string) sql.Sort {
	switch {
	case format.Numeric(sqlType):
		return sql.ByNumber
	case strings.HasPrefix(sqlType, "TIMESTAMP"):
		return sql.ByTime
	}
	return sql.ByText
}

// keep reads rows until there are no more, or no more are kept.
func keep(a *sql.Answer, res *query.Result, progress func(sql.Progress)) error {
	size := 0
	for row, err := range res.Rows() {
		if err != nil {
			return err
		}
		if len(a.Rows) == keptRows || size > keptBytes {
			a.More = true
			return nil
		}
		cells := make([]sql.Cell, len(row))
		for i, v := range row {
			text, null := format.Text(v)
			cells[i] = sql.Cell{Text: text, Null: null}
			if len(text) > keptCell {
				cells[i] = sql.Cell{Text: strings.Clone(strings.ToValidUTF8(text[:keptCell], "\uFFFD")), Cut: true}
			}
			size += len(cells[i].Text) + cellBytes
		}
		a.Rows = append(a.Rows, cells)
		if len(a.Rows)%1000 == 0 {
			progress(sql.Progress{Phase: fmt.Sprintf("reading rows, %d so far", len(a.Rows))})
		}
	}
	return nil
}

// standsOn puts a provenance in words.
func standsOn(p query.Provenance) sql.Evidence {
	e := sql.Evidence{Sound: p.Coverage.Complete && len(p.Objects.Damaged) == 0}
	var parts []string // doubts first: a narrow screen cuts the end
	for _, c := range p.Chains {
		if !c.Pinned {
			parts, e.Sound = []string{"key NOT PINNED"}, false
		}
	}
	if n := len(p.Objects.Damaged); n > 0 {
		parts = append(parts, fmt.Sprintf("DAMAGED objects left out: %d", n))
	}
	if n := p.Scan.Unreadable; n > 0 {
		parts = append(parts, fmt.Sprintf("unreadable lines: %d", n))
	}
	if c := p.Coverage; c.Complete {
		parts = append(parts, fmt.Sprintf("coverage complete, %d windows", c.Windows))
	} else {
		parts = append(parts, fmt.Sprintf("coverage INCOMPLETE (%s): absence is no proof", doubts(c)))
	}
	if e.Sound {
		parts = append(parts, "pinned key")
	}
	switch o := p.Objects; {
	case o.Verified+o.Columns == 0:
		parts = append(parts, fmt.Sprintf("none of %d objects needed", o.Selected))
	case o.Columns > 0:
		parts = append(parts, fmt.Sprintf("%d of %d objects verified, %d as columns", o.Verified+o.Columns, o.Selected, o.Columns))
	default:
		parts = append(parts, fmt.Sprintf("%d of %d objects verified", o.Verified, o.Selected))
	}
	e.Line = strings.Join(parts, " · ")
	var b strings.Builder
	_ = format.WriteFooter(&b, p) // a builder takes everything
	e.Footer = strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	return e
}

// groundOf is what was asked of, as the screen that investigates looks at it. Chains of several datasets are no one view.
func groundOf(p query.Provenance, s sql.Scope) inquiry.View {
	v := inquiry.View{From: p.Range.From, To: p.Range.To}
	for i, c := range p.Chains {
		if i > 0 && c.Dataset != v.Dataset {
			return inquiry.View{}
		}
		v.Dataset = c.Dataset
		if len(s.Zones) > 0 {
			v.Zones = append(v.Zones, c.Zone)
		}
	}
	return v
}

// doubts counts what is in doubt by its state.
func doubts(c dataset.Coverage) string {
	counts := map[dataset.State]int{}
	for _, s := range c.Incomplete {
		counts[s.State]++
	}
	var out []string
	for _, s := range []dataset.State{dataset.Gap, dataset.Missing, dataset.Damaged, dataset.Partial, dataset.Expired} {
		if counts[s] > 0 {
			out = append(out, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	if c.More > 0 {
		out = append(out, fmt.Sprintf("%d more", c.More))
	}
	return strings.Join(out, ", ")
}

// sqlFault is an error of a question as the screen shows it.
func sqlFault(text string, err error) error {
	var damage *dataset.DamageError
	f := &sql.Fault{Text: err.Error(), Hint: site.Hint(err), At: -1}
	var told *worker.Error
	switch {
	case errors.As(err, &damage):
		f.Text, f.Damage = damage.Error(), true
	case errors.Is(err, query.ErrTimeout):
		f.Hint = "a narrower range, or query.timeout in the config, gives it time"
	case errors.Is(err, query.ErrSQL), errors.Is(err, query.ErrForbidden):
		f.Text, f.At = placed(text, err.Error())
	case errors.As(err, &told) && told.Hint != "":
		f.Hint = told.Hint
	}
	return f
}

// placed finds where in a question DuckDB saw an error: it says LINE n of the
// statement, repeats a part of that line, and puts a caret below. What is left is the message.
func placed(text, message string) (string, int) {
	before, after, found := strings.Cut(message, "\n\nLINE ")
	if !found {
		return message, -1
	}
	line, caret, found := strings.Cut(after, "\n")
	number, shown, ok := strings.Cut(line, ": ")
	if !found || !ok {
		return message, -1
	}
	column := strings.IndexByte(caret, '^') - len("LINE ") - len(number) - len(": ")
	n := 0
	if _, err := fmt.Sscanf(number, "%d", &n); err != nil || n < 1 || column < 0 {
		return message, -1
	}
	rest, _ := strings.CutPrefix(caret[strings.IndexByte(caret, '^'):], "^")
	before += strings.TrimRight(rest, "\n ")
	shown, cut := strings.CutPrefix(shown, "...")
	if cut {
		column -= len("...")
	}
	shown = strings.TrimSuffix(shown, "...")
	column = bytesOf(shown, column)
	return before, offsetOf(text, n, shown, column)
}

// bytesOf is how many bytes so many cells at the beginning of a text take: DuckDB's caret is where a terminal has it.
func bytesOf(text string, cells int) int {
	n := 0
	for i, r := range text {
		if n >= cells {
			return i
		}
		n += displaywidth.Rune(r)
	}
	return len(text)
}

// offsetOf looks for a part of a line in each statement, the last first.
func offsetOf(text string, number int, part string, column int) int {
	starts := []int{0}
	for i := 0; i < len(text); {
		next, _, _ := sqltext.Next(text, i)
		if text[i] == ';' {
			starts = append(starts, next)
		}
		i = next
	}
	for i := len(starts) - 1; i >= 0; i-- {
		at := starts[i]
		for range number - 1 {
			end := strings.IndexByte(text[at:], '\n')
			if end < 0 {
				at = -1
				break
			}
			at += end + 1
		}
		if at < 0 {
			continue
		}
		line, _, _ := strings.Cut(text[at:], "\n")
		if in := strings.Index(line, part); in >= 0 {
			return min(at+in+max(0, column), len(text))
		}
	}
	return -1
}

// sqlTokens parts a text as the engine's guard does. The tokens of strings that go on over the end are whole.
func sqlTokens(text string) (out []sql.Token) {
	for i := 0; i < len(text); {
		next, kind, _ := sqltext.Next(text, i)
		t := sql.Token{From: i, To: next, Kind: sql.Sign}
		c := text[i]
		switch {
		case kind == sqltext.Blank && (c == '-' || c == '/'):
			t.Kind = sql.Comment
			if text[next-1] == '\n' {
				t.To-- // the end of its line is not its own
			}
		case kind == sqltext.Blank:
			i = next
			continue
		case kind == sqltext.QuotedName:
			t.Kind = sql.Quoted
		case kind == sqltext.Word && c >= '0' && c <= '9':
			t.Kind = sql.Number
		case kind == sqltext.Word:
			t.Kind = sql.Name
		case c == '$' && next == i+1:
			if next < len(text) && sqltext.WordByte(text[next]) {
				next, _, _ = sqltext.Next(text, next)
				t.To, t.Kind = next, sql.Param
			}
		case c == '\'' || c == '$' || c == 'e' || c == 'E':
			t.Kind = sql.String
		}
		out = append(out, t)
		i = next
	}
	return out
}
