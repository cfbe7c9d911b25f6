package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

const (
	// verifications bounds those at work: they read the archive beside the
	// collecting. One customer has half of them.
	verifications = 2
	progressEvery = 500 * time.Millisecond
	// patience is how long an object that was put a moment ago may wait for its
	// entry: the collector is at work.
	patience    = time.Minute
	eventStream = "text/event-stream"
)

// verifiers may have a chain verified; what they hear holds no records.
var verifiers = []tenant.Role{tenant.Admin, tenant.OperatorRole, tenant.AuditorRole}

func (s *Server) verifyRoute() {
	op := operation(http.MethodPost, "/v1/zones/{id}/verify", "verifyZone", "Verify a zone's chain and objects, with progress as server-sent events", http.StatusOK)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "Events progress, and at the end one of report or problem. A stream without either is not whole.",
		Content:     map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	add(s, op, access{roles: verifiers, action: "zone.verify", streams: true}, s.verify)
}

type verification struct {
	ZoneRef
	Level string `query:"level" enum:"chain,objects,content" default:"content" doc:"chain: entries and checkpoints; objects: their stored bytes too; content: the records in them too"`
}

func (s *Server) verify(ctx context.Context, q *request, in *verification) (*huma.StreamResponse, error) {
	z, err := q.zone(ctx, in.ZoneRef)
	if err != nil {
		return nil, err
	}
	level, err := verify.ParseLevel(in.Level)
	if err != nil {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "level is none that there is")
	}
	give := s.verifying.take(q.caller.Customer)
	if give == nil {
		return nil, api.NewProblem(http.StatusConflict, api.CodeConflict, "other verifications are at work: try again later")
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer give()
		_, w := humago.Unwrap(hc)
		s.stream(ctx, w, q, z.Chain(), level)
	}}, nil
}

// stream verifies, and tells how far it is. A client that is gone ends it.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, q *request, id evidence.ChainID, level verify.Level) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.Header().Set("Content-Type", eventStream)
	w.WriteHeader(http.StatusOK)
	out := &patient{ctx: ctx, w: w, rc: http.NewResponseController(w)}
	tell := func(event string, data any) {
		if err := sendEvent(out, event, data); err != nil {
			cancel()
		}
	}
	var last time.Time
	key := q.gen.Lookup.Key
	report, err := verify.Run(ctx, q.gen.Store, verify.Options{
		Level: level, Key: &key, Chains: []evidence.ChainID{id}, Known: q.gen.Known, Patience: patience, Workers: 1, Now: s.cfg.Now,
		Progress: func(p verify.Progress) {
			if now := s.cfg.Now(); now.Sub(last) >= progressEvery || now.Before(last) {
				last = now
				tell("progress", api.Progress{Stage: p.Stage, Done: p.Done, Total: p.Total, Findings: p.Found})
			}
		},
	})
	if err != nil {
		p := s.tell(ctx, err)
		p.RequestID = q.id
		tell("problem", p)
		return
	}
	tell("report", wireReport(report, id))
}

// sendEvent writes a server-sent event and has it go out. JSON has no line feeds.
func sendEvent(out *patient, event string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if _, err := fmt.Fprintf(out, "event: %s\ndata: %s\n\n", event, b); err != nil {
		return err //nolint:wrapcheck // the client is gone
	}
	return flushed(out)
}

// wireReport leaves out what is about anything but the chain.
func wireReport(r *verify.Report, id evidence.ChainID) api.Verification {
	v := api.Verification{
		Zone: id.Zone, Dataset: id.Dataset, Level: string(r.Level), KeyTrust: r.KeyTrust, Entries: r.Entries, Objects: r.Objects, Bytes: r.Bytes,
		Intact: r.Intact, Complete: r.Complete, Findings: []api.VerifyFinding{}, More: r.More, CheckedAt: r.CheckedAt,
		Archive: r.Archive, VKey: r.VKey, ObjectsDue: r.ObjectsDue, BytesDue: r.BytesDue, Content: r.Content, Encrypted: r.Encrypted,
	}
	for _, c := range r.Chains {
		if c.Chain == id.String() {
			v.Chain = wireChain(c)
		}
	}
	for _, f := range r.Findings {
		if f.Chain == "" || f.Chain == id.String() {
			v.Findings = append(v.Findings, api.VerifyFinding{Code: f.Code, Seq: f.Seq, Key: f.Key, Text: f.Text})
		}
	}
	return v
}

func wireChain(c verify.ChainReport) *api.VerifiedChain {
	out := &api.VerifiedChain{
		Size: c.Size, Root: c.Root, VKey: c.VKey, Windows: c.Windows, Gaps: c.Gaps, Expired: c.Expired, Lines: c.Lines,
		First: c.First, Last: c.Last, Coverage: make([]api.VerifiedSpan, len(c.Segments)),
	}
	for i, s := range c.Segments {
		out.Coverage[i] = api.VerifiedSpan{From: s.From, To: s.To, State: string(s.State), Reason: s.Reason, Windows: s.Windows, Lines: s.Lines}
	}
	return out
}
