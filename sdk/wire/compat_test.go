package wire

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// newer adds to a message what a later version of the protocol might: fields
// of each wire type under numbers that this version does not know.
func newer[M proto.Message](m M) M {
	b := protowire.AppendTag(nil, 101, protowire.VarintType)
	b = protowire.AppendVarint(b, 1<<63)
	b = protowire.AppendTag(b, 102, protowire.BytesType)
	b = protowire.AppendBytes(b, []byte("\xff not known yet"))
	b = protowire.AppendTag(b, 103, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, 7)
	b = protowire.AppendTag(b, 104, protowire.Fixed32Type)
	b = protowire.AppendFixed32(b, 7)
	m.ProtoReflect().SetUnknown(b)
	return m
}

// handmadeAbout are the bytes of an About, written field by field, with a
// capability and fields that nobody knows.
func handmadeAbout(t *testing.T) *pb.About {
	t.Helper()
	text := func(b []byte, n protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
	}
	b := text(nil, 1, "tomorrow")
	b = text(b, 2, KindStorage)
	b = text(b, 3, "9.0.0")
	b = protowire.AppendVarint(protowire.AppendTag(b, 4, protowire.VarintType), 1)
	setting := text(text(nil, 1, "path"), 2, "string")
	setting = text(setting, 77, "a hint for a form")
	b = protowire.AppendBytes(protowire.AppendTag(b, 5, protowire.BytesType), setting)
	b = text(b, 6, "time_travel")
	b = text(b, 6, PowerLocalPath)
	b = text(b, 99, "more to come")
	var about pb.About
	if err := proto.Unmarshal(b, &about); err != nil {
		t.Fatal(err)
	}
	if len(about.ProtoReflect().GetUnknown()) == 0 {
		t.Fatal("nothing in there is unknown")
	}
	return &about
}

// tomorrow is a plugin of a later version: all its answers hold more than
// this version knows.
type tomorrow struct {
	pb.UnimplementedBaseServer
	pb.UnimplementedStorageServer
	about *pb.About
}

func (p *tomorrow) Describe(context.Context, *pb.DescribeRequest) (*pb.About, error) {
	return p.about, nil
}

func (p *tomorrow) Configure(context.Context, *pb.ConfigureRequest) (*pb.About, error) {
	return p.about, nil
}

func (p *tomorrow) Stat(context.Context, *pb.StatRequest) (*pb.ObjectInfo, error) {
	return newer(&pb.ObjectInfo{Key: "k", Size: 5}), nil
}

func (p *tomorrow) Get(_ *pb.GetRequest, s grpc.ServerStreamingServer[pb.GetPart]) error {
	hello := []byte("hello")
	header := newer(&pb.GetPart{Part: &pb.GetPart_Header{Header: newer(&pb.GetHeader{})}})
	return errors.Join(s.Send(header), s.Send(newer(frame(hello))), s.Send(newer(trailer(newer(sum(hello))))))
}

func (p *tomorrow) List(_ *pb.ListRequest, s grpc.ServerStreamingServer[pb.ListBatch]) error {
	return s.Send(newer(&pb.ListBatch{Objects: []*pb.ObjectInfo{newer(&pb.ObjectInfo{Key: "k"})}}))
}

func TestNewerPluginIsTolerated(t *testing.T) {
	t.Parallel()
	p := &tomorrow{about: handmadeAbout(t)}
	c := connect(t, nil, func(s *grpc.Server) {
		pb.RegisterBaseServer(s, p)
		pb.RegisterStorageServer(s, p)
	})
	ctx := context.Background()
	about, err := c.Configure(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if about.Name != "tomorrow" || len(about.Schema) != 1 || !about.Has("time_travel") {
		t.Errorf("about %+v", about)
	}
	s := c.Storage(about)
	if _, ok := s.(storage.LocalPather); !ok {
		t.Error("a known capability beside an unknown one is lost")
	}
	if info, err := s.Stat(ctx, "k"); err != nil || info.Size != 5 {
		t.Errorf("stat: %+v, %v", info, err)
	}
	body, err := s.Get(ctx, "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(body); err != nil || string(b) != "hello" {
		t.Errorf("get: %q, %v", b, err)
	}
	for info, err := range s.List(ctx, "", "") {
		if err != nil || info.Key != "k" {
			t.Errorf("list: %+v, %v", info, err)
		}
	}
}

// TestNewerErrorIsTolerated: what is known of an error holds, and what is not
// makes it no other.
func TestNewerErrorIsTolerated(t *testing.T) {
	t.Parallel()
	err := decodeError(newer(&pb.ErrorDetail{Text: "put: gone for lunch", Is: []string{"on_leave", "unavailable"}}))
	if !errors.Is(err, storage.ErrUnavailable) || err.Error() != "put: gone for lunch" {
		t.Errorf("%v is not ErrUnavailable", err)
	}
	err = decodeError(&pb.ErrorDetail{Text: "pull: odd", Source: newer(&pb.SourceError{
		Op: "pull", Class: "meditate", Reason: "moon", Msg: "odd",
	})})
	var e *source.Error
	if !errors.As(err, &e) || e.Class != source.ClassRetry || e.Reason != "" {
		t.Errorf("%#v: want class retry and no reason", err)
	}
}

// TestNewerSourceIsTolerated: a rate of a scope that is not known is the
// source's own to keep.
func TestNewerSourceIsTolerated(t *testing.T) {
	t.Parallel()
	second := &pb.Rate{Scope: "zone", Limit: 15, Per: durationpb.New(time.Minute)}
	d, err := fromDescription(newer(&pb.SourceDescription{
		Datasets: []*pb.Dataset{newer(&pb.Dataset{Name: "http_requests", TimeField: "T"})},
		Rates:    []*pb.Rate{{Scope: "continent", Limit: 1, Per: durationpb.New(time.Hour)}, newer(second)},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Datasets) != 1 || len(d.Limits.Rates) != 1 || d.Limits.Rates[0].Scope != source.PerZone {
		t.Errorf("described as %+v", d)
	}
}

// statOnly is a storage that holds one object.
type statOnly struct{ storage.Storage }

func (statOnly) Stat(_ context.Context, key string) (storage.Info, error) {
	return storage.Info{Key: key, Size: 3}, nil
}

// TestNewerHostIsTolerated: a plugin of this version takes requests that hold
// more than it knows.
func TestNewerHostIsTolerated(t *testing.T) {
	t.Parallel()
	c := connect(t, nil, func(s *grpc.Server) {
		Register(s, Offer{Name: "today", OpenStorage: func(config.Values) (storage.Storage, error) { return statOnly{}, nil }})
	})
	ctx := context.Background()
	if _, err := c.base.Configure(ctx, newer(&pb.ConfigureRequest{})); err != nil {
		t.Fatal(err)
	}
	info, err := pb.NewStorageClient(c.conn).Stat(ctx, newer(&pb.StatRequest{Key: "k"}))
	if err != nil || info.GetKey() != "k" || info.GetSize() != 3 {
		t.Errorf("%v, %v", info, err)
	}
}
