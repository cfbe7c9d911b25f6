package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/filter"
)

const (
	// A record is received some time after its event. Whether a range is complete
	// is told of the windows until tail after it, as in a question of rainlogs query;
	// late and early is how far from their event records are looked for.
	tail  = 15 * time.Minute
	late  = 24 * time.Hour
	early = time.Hour

	maxWhere     = 8
	maxCondition = 500
)

// What an answer stands on: headers before it, trailers behind it.
const (
	headWindows    = "RainLogs-Windows"
	headIncomplete = "RainLogs-Incomplete"
	tailObjects    = "RainLogs-Objects"
	tailLines      = "RainLogs-Lines"
	tailComplete   = "RainLogs-Complete"
)

func (s *Server) logsRoute() {
	op := operation(http.MethodGet, "/v1/zones/{id}/logs", "getLogs", "The records of a range of event time, as they were received", http.StatusOK)
	header := func(description string) *huma.Param {
		return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	op.Responses = map[string]*huma.Response{"200": {
		Description: "NDJSON, window by window. An answer that is not whole ends by a connection that is cut off.",
		Content:     map[string]*huma.MediaType{ndjson: {Schema: &huma.Schema{Type: huma.TypeString}}},
		Headers: map[string]*huma.Param{
			headWindows:    header("how many sealed windows could hold such records"),
			headIncomplete: header("what is not there, by the ledger: a state and a span of time each; absent for nothing"),
			tailObjects:    header("trailer: how many objects were read, and found to be what was sealed"),
			tailLines:      header("trailer: how many records were sent"),
			tailComplete:   header("trailer: true if nothing is missing, and the source claimed as much of each window"),
		},
	}}
	add(s, op, access{roles: readers, streams: true}, s.logs)
}

type logsOf struct {
	Span
	Where  []string `query:"where,explode" maxItems:"8" doc:"a condition such as EdgeResponseStatus>=500; all of them must hold"`
	Accept string   `header:"Accept-Encoding" maxLength:"1000" doc:"zstd, gzip or identity"`
}

func (s *Server) logs(ctx context.Context, q *request, in *logsOf) (*huma.StreamResponse, error) {
	z, err := q.zone(ctx, in.ZoneRef)
	if err != nil {
		return nil, err
	}
	l := &logs{request: q, chain: z.Chain(), lender: s.lender, now: s.cfg.Now, coding: negotiate(in.Accept)}
	if l.from, l.to, err = in.times(s.cfg.Now()); err != nil {
		return nil, err
	}
	if l.to.Year() >= 2262 {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "to is later than nanoseconds can tell")
	}
	if l.match, err = conditions(in.Where); err != nil {
		return nil, err
	}
	if l.coding == "" {
		return nil, errCoding()
	}
	give := s.unpacking.take(q.caller.Customer)
	if give == nil {
		return nil, limited(chunkTime)
	}
	if l.ground, err = q.survey(ctx, z, l.from, l.to); err != nil {
		give()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		defer give()
		out := newPatient(ctx, w, http.StatusOK)
		if err := l.serve(ctx, out); err != nil {
			s.broken(out, q, r, fmt.Errorf("logs of %s: %w", l.chain, err))
		}
	}}, nil
}

// conditions reads what is asked of the records. What is wrong is told by its number
// and not repeated.
func conditions(where []string) (*filter.Matcher, error) {
	filters := make([]filter.Filter, len(where))
	for i, text := range where {
		var err error
		if len(text) > maxCondition {
			err = filter.ErrFilter
		} else {
			filters[i], err = filter.Parse(text)
		}
		if err == nil {
			_, err = filter.NewMatcher(filters[i : i+1])
		}
		if err != nil {
			p := api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "where is no condition such as EdgeResponseStatus>=500")
			p.Errors = []api.Fault{{Location: fmt.Sprintf("query.where[%d]", i), Message: fmt.Sprintf("it is none, its value is none that its operator takes, or it is longer than %d bytes", maxCondition)}}
			return nil, p
		}
	}
	m, err := filter.NewMatcher(filters)
	if err != nil {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "where is no condition")
	}
	return m, nil
}

// ground is what an answer stands on, by the ledger.
type ground struct {
	windows int
	missing []string
	more    int // of what is missing, beyond maxMissing
	at      time.Time
	last    string // the state of the last that is missing
	lastTo  time.Time
	lastAt  time.Time
}

const (
	maxMissing = 20
	// page is how much of the ledger is read at a time.
	page = 6 * time.Hour
)

// survey reads the ledger of the windows whose records could be in a range.
func (q *request) survey(ctx context.Context, z catalog.Zone, from, to time.Time) (*ground, error) {
	end := to.Add(tail)
	g := &ground{at: from}
	for w, err := range q.windows(ctx, z.Chain(), from, end) {
		if err != nil {
			return nil, err
		}
		g.lacks("missing", g.at, w.Window.Start)
		switch {
		case w.State == catalog.Lost:
			g.lacks("gap", later(w.Window.Start, from), earlier(w.Window.End, end))
		case w.State != catalog.Sealed:
			g.lacks("missing", later(w.Window.Start, from), earlier(w.Window.End, end))
		case w.Object != catalog.Kept && w.Lines > 0:
			g.lacks("expired", later(w.Window.Start, from), earlier(w.Window.End, end))
		default:
			g.windows++
		}
		g.at = later(g.at, w.Window.End)
	}
	g.lacks("missing", g.at, end)
	g.note()
	return g, nil
}

// lacks notes a span that is not there. Neighbours of one state become one.
func (g *ground) lacks(state string, from, to time.Time) {
	if !from.Before(to) {
		return
	}
	if state == g.last && from.Equal(g.lastTo) {
		g.lastTo = to
		return
	}
	g.note()
	g.last, g.lastAt, g.lastTo = state, from, to
}

func (g *ground) note() {
	switch {
	case g.last == "":
	case len(g.missing) == maxMissing:
		g.more++
	default:
		g.missing = append(g.missing, g.last+" "+g.lastAt.Format(time.RFC3339)+"/"+g.lastTo.Format(time.RFC3339))
	}
	g.last = ""
}
