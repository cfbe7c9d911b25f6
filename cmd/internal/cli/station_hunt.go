package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/saved"
	"github.com/fabriziosalmi/rainlogs/query/worker"
	"github.com/fabriziosalmi/rainlogs/tui/screen/hunt"
)

// huntStation runs the rules of the workstation's Hunt screen.
type huntStation struct {
	*caseStation
	client *worker.Client
}

var _ hunt.Data = (*huntStation)(nil)

// quietClient is newClient for who has the terminal: what workers say goes nowhere.
func (s *station) quietClient() (*worker.Client, error) {
	quiet := *s.env
	quiet.Err = io.Discard
	return newClient(&quiet, s.g, s.w.Config.Path, niceSlow)
}

// rules are the saved queries that are hunts, the gravest first.
func (s *huntStation) rules() ([]saved.Query, error) {
	quiet := *s.env
	quiet.Err = io.Discard // the notices are told by rainlogs query --saved list
	library, err := openLibrary(&quiet, s.g)
	if err != nil {
		return nil, err
	}
	rules := slices.DeleteFunc(library.All(), func(q saved.Query) bool { return q.Severity == "" })
	slices.SortStableFunc(rules, func(a, b saved.Query) int {
		return cmp.Compare(slices.Index(saved.Severities, a.Severity), slices.Index(saved.Severities, b.Severity))
	})
	return rules, nil
}

// Ground returns the rules, the zones, and the last day of what is sealed.
func (s *huntStation) Ground(ctx context.Context) (g hunt.Ground, err error) {
	rules, err := s.rules()
	if err != nil {
		return g, err
	}
	for _, q := range rules {
		rule := hunt.Rule{Name: q.Name, Title: q.Title, Description: q.Description, Severity: string(q.Severity), SQL: q.SQL, From: q.From}
		for _, p := range q.Params {
			rule.Params = append(rule.Params, hunt.Param{Name: p.Name, Default: p.Default, Help: p.Help, Required: p.Required})
		}
		g.Rules = append(g.Rules, rule)
	}
	w := &workspace{Workspace: s.w.Workspace, ctx: ctx}
	ids, err := s.hunted(ctx)
	if err != nil {
		return g, err
	}
	names := s.names(ctx)
	for _, id := range ids {
		g.Zones = append(g.Zones, hunt.Zone{ID: id.Zone, Name: cmp.Or(names[id.Zone], id.Zone)})
	}
	slices.SortFunc(g.Zones, func(a, b hunt.Zone) int { return strings.Compare(a.Name, b.Name) })
	if len(ids) == 0 {
		return g, nil
	}
	chains, err := w.readChains(ids)
	if err != nil {
		if ctx.Err() != nil {
			return g, ctx.Err() //nolint:wrapcheck // the person's own stop
		}
		return g, nil // all of time, then; whoever runs a rule is told what is wrong
	}
	g.From, g.To = lastDay(chains)
	return g, nil
}

// hunted are the chains that rules are run over: they are written for Cloudflare's http_requests.
func (s *huntStation) hunted(ctx context.Context) ([]evidence.ChainID, error) {
	ids, err := verify.ListChains(ctx, s.w.Store)
	if err != nil {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	return slices.DeleteFunc(ids, func(id evidence.ChainID) bool { return id.Dataset != datasetHTTP }), nil
}

// lastDay is the last day of what is sealed, as far as its coverage can be
// complete: what happened just before the end of the last window may be in the next.
func lastDay(chains []verify.Chain) (from, to time.Time) {
	var begin time.Time
	for _, c := range chains {
		for _, e := range c.Entries {
			if e.Window == nil || e.Kind != evidence.KindLog {
				continue
			}
			if end := e.Window.End.Add(-dataset.DefaultTail); end.After(to) {
				to = end.UTC()
			}
			if begin.IsZero() || e.Window.Start.Before(begin) {
				begin = e.Window.Start.UTC()
			}
		}
	}
	if to.IsZero() || !begin.Before(to) {
		return time.Time{}, time.Time{}
	}
	return later(to.Add(-24*time.Hour), begin), to
}

// Span reads a range: FROM .. TO, each as --from and --to take it.
func (s *huntStation) Span(text string) (from, to time.Time, err error) {
	first, second, _ := strings.Cut(text, "..")
	f := rangeFlags{from: strings.TrimSpace(first), to: strings.TrimSpace(second), tz: "UTC"}
	if from, to, err = f.parse(s.env.Now()); err != nil {
		err = fmt.Errorf("%s", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "--from "), "--to "))
	}
	return from, to, err
}

// Run asks a rule's SQL.
func (s *huntStation) Run(ctx context.Context, q hunt.Question, progress func(hunt.Progress)) (res hunt.Result, err error) {
	rules, err := s.rules()
	if err != nil {
		return res, err
	}
	i := slices.IndexFunc(rules, func(r saved.Query) bool { return r.Name == q.Rule })
	if i < 0 {
		return res, fmt.Errorf("%w: %s", saved.ErrNotFound, q.Rule)
	}
	values, err := rules[i].Values(q.Params)
	if err != nil {
		return res, err
	}
	zones := q.Zones
	if len(zones) == 0 {
		ids, err := s.hunted(ctx)
		if err != nil {
			return res, err
		}
		for _, id := range ids {
			zones = append(zones, id.Zone)
		}
	}
	began := s.env.Now()
	answer, err := s.client.Ask(ctx, worker.Question{
		SQL: rules[i].SQL, Params: values, Zones: zones, Range: dataset.Range{From: q.From, To: q.To},
		Limits:   worker.Limits{Timeout: s.w.Config.Query.Timeout},
		Progress: func(p worker.Progress) { progress(hunt.Progress{Phase: string(p.Phase), Done: p.Done, Total: p.Total}) },
	})
	if err != nil {
		return res, asked(ctx, err)
	}
	res, err = hits(answer, q)
	if closeErr := answer.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return res, asked(ctx, err)
	}
	res.Elapsed = s.env.Now().Sub(began)
	res.Evidence, res.Complete = stoodOn(answer.Provenance)
	if err := s.noteHunt(ctx, rules[i], q, res); err != nil {
		res.Evidence += "\nnot noted in the case: " + err.Error()
	}
	return res, nil
}

// asked is what went wrong with a question: the person's own stop, or what queryError makes of it.
func asked(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err() //nolint:wrapcheck // the person's own stop
	}
	return queryError(err)
}

// noteHunt keeps the question in the case, if there is one that may be written to.
func (s *huntStation) noteHunt(ctx context.Context, rule saved.Query, q hunt.Question, res hunt.Result) error {
	if s.readOnly {
		return nil
	}
	asked := casebook.Query{Title: rule.Title, SQL: rule.SQL, Zones: q.Zones, Rows: res.Hits, Evidence: res.Evidence, Complete: res.Complete}
	asked.Between(q.From, q.To)
	for _, p := range rule.Params {
		value, ok := q.Params[p.Name]
		if !ok {
			value = p.Default
		}
		if asked.Params == nil {
			asked.Params = map[string]string{}
		}
		asked.Params[p.Name] = value
	}
	return s.book.Asked(ctx, asked)
}

// maxHits is how many rows of an answer are counted.
const maxHits = 10_000

// hits reads an answer.
func hits(answer *query.Result, q hunt.Question) (hunt.Result, error) {
	var res hunt.Result
	for _, c := range answer.Columns {
		res.Columns = append(res.Columns, hunt.Column{Name: c.Name, Right: numeric(c.Type)})
	}
	for row, err := range answer.Rows() {
		if err != nil {
			return res, err
		}
		if res.Hits == maxHits {
			res.More = true
			break
		}
		if res.Hits++; len(res.Rows) < hunt.MaxRows {
			res.Rows = append(res.Rows, hit(answer.Columns, row, q))
		}
	}
	return res, nil
}

func numeric(sqlType string) bool {
	switch sqlType {
	case "BIGINT", "UBIGINT", "INTEGER", "UINTEGER", "HUGEINT", "DOUBLE", "FLOAT", "SMALLINT", "TINYINT":
		return true
	}
	return strings.HasPrefix(sqlType, "DECIMAL")
}

// hit is one row, and where its records are.
func hit(columns []query.Column, row []any, q hunt.Question) hunt.Row {
	out := hunt.Row{Cells: make([]string, len(row)), View: viewOf(columns, row, q)}
	for i, v := range row {
		if at, ok := v.(time.Time); ok {
			out.Cells[i] = at.UTC().Format("2006-01-02 15:04:05.000")
			continue
		}
		text, null := format.Text(v)
		if null {
			text = "-"
		}
		out.Cells[i] = text
	}
	return out
}

// stoodOn says in words what an answer stands on.
func stoodOn(p query.Provenance) (text string, complete bool) {
	var b strings.Builder
	if c := p.Coverage; c.Complete {
		fmt.Fprintf(&b, "coverage complete, %d windows", c.Windows)
	} else {
		fmt.Fprintf(&b, "coverage INCOMPLETE, %d windows, %d parts in doubt: absence of a record proves nothing there", c.Windows, len(c.Incomplete)+c.More)
	}
	o := p.Objects
	fmt.Fprintf(&b, "\n%d of %d objects verified, %d from columns of verified objects, %d lines", o.Verified, o.Selected, o.Columns, o.Lines)
	for _, c := range p.Chains {
		pinned := "pinned key"
		if !c.Pinned {
			pinned = "key NOT PINNED"
		}
		fmt.Fprintf(&b, "\nchain %s, %d entries, root %s, %s", c.Zone, c.Size, c.Root, pinned)
	}
	return b.String(), p.Coverage.Complete
}
