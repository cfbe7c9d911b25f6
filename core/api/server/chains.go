package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// maxCoverage bounds the range of one question: at windows of 5 minutes, some
// nine thousand rows.
const maxCoverage = 31 * 24 * time.Hour

func (s *Server) chainRoutes() {
	add(s, operation(http.MethodGet, "/v1/zones/{id}/coverage", "getCoverage", "What of a range is sealed, and what is not", http.StatusOK),
		access{roles: anybody}, s.coverage)
	add(s, operation(http.MethodGet, "/v1/zones/{id}/chain", "getChain", "The head of a zone's chain, signed", http.StatusOK),
		access{roles: anybody}, s.chain)
}

// Span is a range of time. It is exported as ZoneRef is.
type Span struct {
	ZoneRef
	From time.Time `query:"from" doc:"default: a day before to"`
	To   time.Time `query:"to" doc:"exclusive; default: now"`
}

// times are what is asked for, as exactly as it was.
func (in Span) times(now time.Time) (from, to time.Time, err error) {
	if to = in.To.UTC(); in.To.IsZero() {
		to = now.UTC()
	}
	if from = in.From.UTC(); in.From.IsZero() {
		from = to.Add(-24 * time.Hour)
	}
	switch {
	case from.Year() < 1970 || to.Year() > 9999 || !from.Before(to):
		return from, to, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "from must be before to")
	case to.Sub(from) > maxCoverage:
		return from, to, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "a range has 31 days at most: ask for its parts")
	}
	return from, to, nil
}

// window is the same in whole seconds.
func (in Span) window(now time.Time) (evidence.Window, error) {
	from, to, err := in.times(now)
	if err != nil {
		return evidence.Window{}, err
	}
	from, to = from.Truncate(time.Second), to.Truncate(time.Second)
	if !from.Before(to) {
		return evidence.Window{}, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "from must be before to")
	}
	return evidence.Window{Start: from, End: to}, nil
}

func (s *Server) coverage(ctx context.Context, q *request, in *Span) (*body[api.Coverage], error) {
	id, err := q.chain(ctx, in.ZoneRef)
	if err != nil {
		return nil, err
	}
	w, err := in.window(s.cfg.Now())
	if err != nil {
		return nil, err
	}
	stretches, err := q.gen.Catalog.Stretches(ctx, id, w.Start, w.End)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	return &body[api.Coverage]{covered(id, w, stretches)}, nil
}

const missing = "missing" // the state of what the ledger does not know

// covered tiles a range with spans, from the stretches that overlap it.
func covered(id evidence.ChainID, over evidence.Window, stretches []catalog.Stretch) api.Coverage {
	c := api.Coverage{
		Zone: id.Zone, Dataset: id.Dataset, From: over.Start, To: over.End, Spans: []api.Span{},
		TotalSeconds: int64(over.End.Sub(over.Start) / time.Second),
	}
	at := over.Start
	add := func(sp api.Span) {
		if sp.From.Before(sp.To) {
			at = sp.To
			c.Spans = append(c.Spans, sp)
		}
	}
	for _, s := range stretches {
		from, to := later(s.Window.Start, over.Start), earlier(s.Window.End, over.End)
		add(api.Span{From: at, To: from, State: missing})
		add(api.Span{From: from, To: to, State: string(s.State), Reason: s.Reason, Windows: s.Windows, Lines: s.Lines, Bytes: s.Bytes})
		if s.State == catalog.Sealed {
			c.SealedSeconds += int64(to.Sub(from) / time.Second)
		}
	}
	add(api.Span{From: at, To: over.End, State: missing})
	c.Complete = c.SealedSeconds == c.TotalSeconds
	return c
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (s *Server) chain(ctx context.Context, q *request, in *ZoneRef) (*body[api.Chain], error) {
	id, err := q.chain(ctx, *in)
	if err != nil {
		return nil, err
	}
	archive := q.gen.Lookup.Archive
	c := api.Chain{
		Zone: id.Zone, Dataset: id.Dataset, Archive: archive, Origin: evidence.Origin(archive, id), Key: q.gen.Lookup.Key.VKey(),
	}
	head, err := q.gen.Catalog.Head(ctx, id)
	if errors.Is(err, catalog.ErrNotFound) {
		return &body[api.Chain]{c}, nil // nothing is committed yet
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	c.Size, c.Checkpoint = head.Size, string(head.Checkpoint)
	if head.Size > 0 {
		c.LastHash = head.LastHash.String()
	}
	return &body[api.Chain]{c}, nil
}
