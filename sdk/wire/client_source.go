package wire

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// sourceClient is a plugin as a source.Source.
type sourceClient struct {
	rpc    pb.SourceClient
	config Config
}

var _ source.Source = (*sourceClient)(nil)

func (c *sourceClient) Describe(ctx context.Context) (source.Description, error) {
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	var d *pb.SourceDescription
	err := op.step(func() (err error) {
		d, err = c.rpc.Describe(op.ctx, &pb.SourceDescribeRequest{})
		return err
	})
	if err != nil {
		return source.Description{}, sourceError("describe", op.explain(err))
	}
	out, err := fromDescription(d)
	return out, sourceError("describe", err)
}

func fromDescription(d *pb.SourceDescription) (source.Description, error) {
	out := source.Description{Limits: source.Limits{
		MaxWindow: d.GetMaxWindow().AsDuration(),
		MinLag:    d.GetMinLag().AsDuration(),
		MaxAge:    d.GetMaxAge().AsDuration(),
	}}
	var c checker
	l := out.Limits
	c.that(l.MaxWindow >= 0 && l.MinLag >= 0 && l.MaxAge >= 0, "negative limits")
	c.count("datasets", len(d.GetDatasets()), maxDatasets)
	for _, ds := range d.GetDatasets() {
		c.text("dataset name", ds.GetName(), maxName)
		c.text("time field", ds.GetTimeField(), maxName)
		c.text("class field", ds.GetClassField(), maxName)
		if c.err != nil {
			break
		}
		out.Datasets = append(out.Datasets, source.Dataset{
			Name: ds.GetName(), TimeField: ds.GetTimeField(), ClassField: ds.GetClassField(),
		})
	}
	out.Limits.Rates, out.Fields = fromRates(&c, d.GetRates()), d.GetFields()
	c.texts("fields", out.Fields, maxFields, maxName)
	if c.err != nil {
		return source.Description{}, c.err
	}
	return out, nil
}

// fromRates leaves out scopes that this version does not know: the source
// keeps them by itself.
func fromRates(c *checker, rates []*pb.Rate) []source.Rate {
	var out []source.Rate
	c.count("rates", len(rates), maxRates)
	for _, r := range rates {
		rate := source.Rate{Scope: source.Scope(r.GetScope()), Limit: int(r.GetLimit()), Per: r.GetPer().AsDuration()}
		switch rate.Scope {
		case source.PerZone, source.PerCredential, source.TimeoutsPerZone:
			c.that(rate.Limit > 0 && rate.Per > 0, "a rate that admits nothing")
			out = append(out, rate)
		}
	}
	return out
}

func (c *sourceClient) Probe(ctx context.Context, zone string) (source.Report, error) {
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	var r *pb.ProbeReport
	err := op.stepFor(c.config.Commit, func() (err error) {
		r, err = c.rpc.Probe(op.ctx, &pb.ProbeRequest{Zone: zone})
		return err
	})
	if err != nil {
		return source.Report{}, sourceError("probe", op.explain(err))
	}
	out, err := fromReport(r)
	return out, sourceError("probe", err)
}

func fromReport(r *pb.ProbeReport) (source.Report, error) {
	out := source.Report{Fields: r.GetFields(), ZoneName: r.GetZoneName()}
	var c checker
	c.texts("fields", r.GetFields(), maxFields, maxName)
	c.text("zone name", r.GetZoneName(), maxText)
	out.Checks = fromChecks(&c, r.GetChecks())
	if c.err != nil {
		return source.Report{}, c.err
	}
	return out, nil
}

func (c *sourceClient) Pull(ctx context.Context, req source.Request) (*source.Stream, error) {
	op := newCall(ctx, c.config.Idle)
	in, header, err := c.open(op, req)
	if err != nil {
		op.end()
		return nil, sourceError("pull", err)
	}
	p := &pulling{op: op}
	payload := newBody(c.config.MaxStream, ErrProtocol, func() (part, error) { return p.next(in) })
	p.body = payload
	return &source.Stream{
		Encoding:     source.Encoding(header.GetEncoding()),
		Fields:       header.GetFields(),
		Timestamps:   source.TimeFormat(header.GetTimestamps()),
		FailureLines: header.GetFailureLines(),
		Body:         p,
		Trailer:      p.Trailer,
	}, nil
}

// open starts the stream and takes its header.
func (c *sourceClient) open(op *call, req source.Request) (grpc.ServerStreamingClient[pb.PullPart], *pb.PullHeader, error) {
	var in grpc.ServerStreamingClient[pb.PullPart]
	var first *pb.PullPart
	err := op.step(func() (err error) {
		in, err = c.rpc.Pull(op.ctx, &pb.PullRequest{
			Zone: req.Zone, Dataset: req.Dataset,
			Start: timestamppb.New(req.Start), End: timestamppb.New(req.End), Fields: req.Fields,
		})
		if err != nil {
			return err
		}
		first, err = in.Recv()
		return err
	})
	if err != nil {
		return nil, nil, op.explain(err)
	}
	h := first.GetHeader()
	var k checker
	k.that(h != nil, "pull without a header")
	switch source.Encoding(h.GetEncoding()) {
	case source.Identity, source.Gzip, source.Zstd:
	default:
		k.that(false, "encoding %.40q", h.GetEncoding())
	}
	switch source.TimeFormat(h.GetTimestamps()) {
	case source.UnixNano, source.Unix, source.RFC3339:
	default:
		k.that(false, "timestamps %.40q", h.GetTimestamps())
	}
	k.texts("fields", h.GetFields(), maxFields, maxName)
	k.texts("failure lines", h.GetFailureLines(), maxFailures, maxText)
	return in, h, k.err
}

// pulling is the body and trailer of an open window.
type pulling struct {
	op      *call
	body    *body
	trailer source.Trailer
	whole   atomic.Bool // Body has returned io.EOF
}

func (p *pulling) next(in grpc.ServerStreamingClient[pb.PullPart]) (part, error) {
	m := &pb.PullPart{}
	message := &incoming{Message: m}
	err := p.op.step(func() error { return in.RecvMsg(message) })
	if err == io.EOF { //nolint:errorlint // only the bare io.EOF is the end
		return part{}, io.EOF
	}
	if err != nil {
		return part{}, p.op.explain(err)
	}
	t := m.GetTrailer()
	if t == nil {
		return partOf(message, m.GetFrame(), nil), nil
	}
	p.trailer = source.Trailer{
		Lines: max(t.GetLines(), -1), Complete: t.GetComplete(), RetrievedAt: fromTimestamp(t.GetRetrievedAt()),
	}
	if t.GetDigest() == nil {
		return part{digest: &pb.Digest{Length: -1}}, nil // fits nothing
	}
	return part{digest: t.GetDigest()}, nil
}

// Read returns io.EOF only once the trailer has been checked.
func (p *pulling) Read(b []byte) (int, error) {
	n, err := p.body.Read(b)
	if err == io.EOF { //nolint:errorlint // only the bare io.EOF is the end
		p.whole.Store(true)
		p.op.end()
		return n, io.EOF
	}
	return n, sourceError("pull", err)
}

// Close ends the call; the plugin's side sees its context cancelled.
func (p *pulling) Close() error {
	p.op.end()
	return nil
}

// Trailer returns what the source said at the end.
func (p *pulling) Trailer() (source.Trailer, error) {
	if !p.whole.Load() {
		return source.Trailer{}, &source.Error{
			Op: "pull", Class: source.ClassBug, Err: errors.New("trailer asked for before the body's end"),
		}
	}
	return p.trailer, nil
}
