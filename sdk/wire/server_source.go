package wire

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// sourceServer serves a source.Source.
type sourceServer struct {
	pb.UnimplementedSourceServer
	base *baseServer
}

var _ pb.SourceServer = (*sourceServer)(nil)

func (s *sourceServer) Describe(ctx context.Context, _ *pb.SourceDescribeRequest) (*pb.SourceDescription, error) {
	if err := s.base.begin(); err != nil {
		return nil, err
	}
	defer s.base.end()
	d, err := s.base.source.Describe(ctx)
	if err != nil {
		return nil, encodeError(err)
	}
	out := &pb.SourceDescription{
		MaxWindow: durationpb.New(d.Limits.MaxWindow),
		MinLag:    durationpb.New(d.Limits.MinLag),
		MaxAge:    durationpb.New(d.Limits.MaxAge),
		Fields:    d.Fields,
	}
	for _, r := range d.Limits.Rates {
		out.Rates = append(out.Rates, &pb.Rate{Scope: string(r.Scope), Limit: int32(r.Limit), Per: durationpb.New(r.Per)})
	}
	for _, ds := range d.Datasets {
		out.Datasets = append(out.Datasets, &pb.Dataset{Name: ds.Name, TimeField: ds.TimeField, ClassField: ds.ClassField})
	}
	return out, nil
}

func (s *sourceServer) Probe(ctx context.Context, req *pb.ProbeRequest) (*pb.ProbeReport, error) {
	if err := s.base.begin(); err != nil {
		return nil, err
	}
	defer s.base.end()
	r, err := s.base.source.Probe(ctx, req.GetZone())
	if err != nil {
		return nil, encodeError(err)
	}
	return &pb.ProbeReport{Fields: r.Fields, ZoneName: clip(r.ZoneName, maxText), Checks: toChecks(r.Checks)}, nil
}

func (s *sourceServer) Pull(req *pb.PullRequest, out grpc.ServerStreamingServer[pb.PullPart]) error {
	if err := s.base.begin(); err != nil {
		return err
	}
	defer s.base.end()
	return encodeError(s.pull(req, out))
}

func (s *sourceServer) pull(req *pb.PullRequest, out grpc.ServerStreamingServer[pb.PullPart]) (err error) {
	stream, err := s.base.source.Pull(out.Context(), source.Request{
		Zone: req.GetZone(), Dataset: req.GetDataset(),
		Start: fromTimestamp(req.GetStart()), End: fromTimestamp(req.GetEnd()),
		Fields: req.GetFields(),
	})
	if err != nil {
		return err
	}
	closed := false
	defer func() {
		if !closed {
			_ = stream.Body.Close() // the pull has failed already
		}
	}()
	header := &pb.PullHeader{
		Encoding: string(stream.Encoding), Fields: stream.Fields,
		Timestamps: string(stream.Timestamps), FailureLines: stream.FailureLines,
	}
	if err := out.Send(&pb.PullPart{Part: &pb.PullPart_Header{Header: header}}); err != nil {
		return err
	}
	digest, err := sendFrames(stream.Body, func(frame *outFrame) error { return out.SendMsg(frame) })
	if err != nil {
		return err
	}
	trailer, err := stream.Trailer()
	if err != nil {
		return err
	}
	closed = true
	if err := stream.Body.Close(); err != nil {
		return err
	}
	return out.Send(&pb.PullPart{Part: &pb.PullPart_Trailer{Trailer: &pb.PullTrailer{
		Digest: digest, Lines: trailer.Lines, Complete: trailer.Complete,
		RetrievedAt: toTimestamp(trailer.RetrievedAt),
	}}})
}

// toTimestamp and fromTimestamp keep the zero time a zero time.
func toTimestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func fromTimestamp(t *timestamppb.Timestamp) time.Time {
	if t == nil || t.CheckValid() != nil {
		return time.Time{}
	}
	return t.AsTime()
}
