package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

type hostileBase struct {
	pb.UnimplementedBaseServer
	about *pb.About
}

func (h *hostileBase) Describe(context.Context, *pb.DescribeRequest) (*pb.About, error) {
	return h.about, nil
}

type hostileSource struct {
	pb.UnimplementedSourceServer
	description *pb.SourceDescription
	report      *pb.ProbeReport
	pull        func(grpc.ServerStreamingServer[pb.PullPart]) error
}

func (h *hostileSource) Describe(context.Context, *pb.SourceDescribeRequest) (*pb.SourceDescription, error) {
	return h.description, nil
}

func (h *hostileSource) Probe(context.Context, *pb.ProbeRequest) (*pb.ProbeReport, error) {
	return h.report, nil
}

func (h *hostileSource) Pull(_ *pb.PullRequest, s grpc.ServerStreamingServer[pb.PullPart]) error {
	return h.pull(s)
}

func TestHostileAbout(t *testing.T) {
	t.Parallel()
	good := func() *pb.About { return &pb.About{Name: "x", Kind: KindStorage, Version: "1.0.0", Protocol: 1} }
	field := func(name string) *pb.SettingField { return &pb.SettingField{Name: name, Kind: "string"} }
	tests := map[string]func(*pb.About){
		"no name":           func(a *pb.About) { a.Name = "" },
		"name with escape":  func(a *pb.About) { a.Name = "x\x1b[2J" },
		"long name":         func(a *pb.About) { a.Name = strings.Repeat("x", 33) },
		"unknown kind":      func(a *pb.About) { a.Kind = "sink" },
		"other protocol":    func(a *pb.About) { a.Protocol = 2 },
		"long version":      func(a *pb.About) { a.Version = strings.Repeat("1", 1000) },
		"bad setting":       func(a *pb.About) { a.Schema = append(a.Schema, field("A B")) },
		"setting twice":     func(a *pb.About) { a.Schema = append(a.Schema, field("a"), field("a")) },
		"long help":         func(a *pb.About) { a.Schema = []*pb.SettingField{{Name: "a", Help: strings.Repeat("h", 5000)}} },
		"long default":      func(a *pb.About) { a.Schema = []*pb.SettingField{{Name: "a", Default: strings.Repeat("h", 5000)}} },
		"many capabilities": func(a *pb.About) { a.Capabilities = make([]string, 100) },
		"many settings": func(a *pb.About) {
			for i := range 200 {
				a.Schema = append(a.Schema, field(fmt.Sprintf("s%d", i)))
			}
		},
		"more than a message": func(a *pb.About) { a.Version = strings.Repeat("1", 2<<20) },
	}
	for name, spoil := range tests {
		about := good()
		spoil(about)
		c := connect(t, nil, func(s *grpc.Server) { pb.RegisterBaseServer(s, &hostileBase{about: about}) })
		if _, err := c.Describe(context.Background()); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v, want ErrProtocol", name, err)
		}
	}
	c := connect(t, nil, func(s *grpc.Server) { pb.RegisterBaseServer(s, &hostileBase{about: good()}) })
	if _, err := c.Describe(context.Background()); err != nil {
		t.Errorf("unspoilt: %v", err)
	}
}

func TestHostileSource(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	long := strings.Repeat("x", 5000)
	open := func(want error, h *hostileSource) source.Source {
		return connect(t, want, func(s *grpc.Server) { pb.RegisterSourceServer(s, h) }).Source()
	}
	check := func(name string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) || source.ClassOf(err) != source.ClassRetry {
			t.Errorf("%s: %v, want %v of class retry", name, err, want)
		}
	}
	_, err := open(nil, &hostileSource{description: &pb.SourceDescription{Datasets: make([]*pb.Dataset, 100)}}).Describe(ctx)
	check("many datasets", err, ErrProtocol)
	_, err = open(nil, &hostileSource{description: &pb.SourceDescription{Datasets: []*pb.Dataset{{Name: long}}}}).Describe(ctx)
	check("long dataset", err, ErrProtocol)
	_, err = open(nil, &hostileSource{report: &pb.ProbeReport{Checks: []*pb.ProbeCheck{{Status: "fine"}}}}).Probe(ctx, "z")
	check("unknown status", err, ErrProtocol)
	_, err = open(nil, &hostileSource{report: &pb.ProbeReport{Fields: make([]string, 5000)}}).Probe(ctx, "z")
	check("many fields", err, ErrProtocol)

	head := func() *pb.PullHeader { return &pb.PullHeader{Encoding: "gzip", Timestamps: "unixnano"} }
	whole := func(h *pb.PullHeader, t *pb.PullTrailer) func(grpc.ServerStreamingServer[pb.PullPart]) error {
		return func(s grpc.ServerStreamingServer[pb.PullPart]) error {
			return errors.Join(
				s.Send(&pb.PullPart{Part: &pb.PullPart_Header{Header: h}}),
				s.Send(&pb.PullPart{Part: &pb.PullPart_Frame{Frame: []byte("hello")}}),
				s.Send(&pb.PullPart{Part: &pb.PullPart_Trailer{Trailer: t}}),
			)
		}
	}
	good := &pb.PullTrailer{Digest: sum([]byte("hello")), Lines: 1}
	pull := func(name string, serve func(grpc.ServerStreamingServer[pb.PullPart]) error, want error) {
		t.Helper()
		stream, err := open(want, &hostileSource{pull: serve}).Pull(ctx, source.Request{})
		if err == nil {
			_, err = io.Copy(io.Discard, stream.Body)
			if _, trailerErr := stream.Trailer(); (trailerErr == nil) != (err == nil) {
				t.Errorf("%s: body says %v, trailer %v", name, err, trailerErr)
			}
			_ = stream.Body.Close()
		}
		if want != nil {
			check(name, err, want)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	pull("good", whole(head(), good), nil)
	encoding, timestamps, fields, failures := head(), head(), head(), head()
	encoding.Encoding, timestamps.Timestamps = "br", "julian"
	fields.Fields, failures.FailureLines = []string{long}, make([]string, 100)
	pull("unknown encoding", whole(encoding, good), ErrProtocol)
	pull("unknown timestamps", whole(timestamps, good), ErrProtocol)
	pull("long field", whole(fields, good), ErrProtocol)
	pull("many failure lines", whole(failures, good), ErrProtocol)
	pull("no digest", whole(head(), &pb.PullTrailer{Lines: 1}), ErrProtocol)
	pull("other digest", whole(head(), &pb.PullTrailer{Digest: sum([]byte("hallo"))}), ErrProtocol)
	pull("hangs", func(s grpc.ServerStreamingServer[pb.PullPart]) error { <-s.Context().Done(); return nil }, ErrIdle)
}
