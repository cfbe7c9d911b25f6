package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// hostile is a plugin that answers whatever a test wants.
type hostile struct {
	pb.UnimplementedStorageServer
	get  func(grpc.ServerStreamingServer[pb.GetPart]) error
	put  func(grpc.ClientStreamingServer[pb.PutPart, pb.ObjectInfo]) error
	list func(grpc.ServerStreamingServer[pb.ListBatch]) error
	stat *pb.ObjectInfo
	path string
}

func (h *hostile) Get(_ *pb.GetRequest, s grpc.ServerStreamingServer[pb.GetPart]) error {
	return h.get(s)
}
func (h *hostile) Put(s grpc.ClientStreamingServer[pb.PutPart, pb.ObjectInfo]) error { return h.put(s) }
func (h *hostile) List(_ *pb.ListRequest, s grpc.ServerStreamingServer[pb.ListBatch]) error {
	return h.list(s)
}
func (h *hostile) Stat(context.Context, *pb.StatRequest) (*pb.ObjectInfo, error) { return h.stat, nil }
func (h *hostile) LocalPath(context.Context, *pb.LocalPathRequest) (*pb.LocalPathResponse, error) {
	return &pb.LocalPathResponse{Path: h.path}, nil
}

// tight are bounds that a test can reach. Only where a hang is wanted is the
// client impatient: a busy machine must not look like one.
func tight(want error) Config {
	c := Config{Idle: time.Minute, Commit: time.Minute, MaxStream: 4 << 20, MaxList: 3}
	if errors.Is(want, ErrIdle) {
		c.Idle, c.Commit = 400*time.Millisecond, 400*time.Millisecond
	}
	return c
}

// connect serves over a socket with the host's real options.
func connect(t *testing.T, want error, register func(*grpc.Server)) *Client {
	t.Helper()
	lis, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxSendMsgSize(64 << 20))
	register(server)
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(lis) }()
	conn, err := grpc.NewClient("unix:"+lis.Addr().String(),
		append(DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); server.Stop(); <-served })
	return NewClient(conn, tight(want))
}

func hostileStorage(t *testing.T, want error, h *hostile) storage.Storage {
	t.Helper()
	c := connect(t, want, func(s *grpc.Server) { pb.RegisterStorageServer(s, h) })
	return c.Storage(About{Capabilities: []string{PowerLocalPath}})
}

func sum(b []byte) *pb.Digest {
	s := sha256.Sum256(b)
	return &pb.Digest{Length: int64(len(b)), Sha256: hex.EncodeToString(s[:])}
}

func frame(b []byte) *pb.GetPart { return &pb.GetPart{Part: &pb.GetPart_Frame{Frame: b}} }
func trailer(d *pb.Digest) *pb.GetPart {
	return &pb.GetPart{Part: &pb.GetPart_Trailer{Trailer: d}}
}
func header() *pb.GetPart { return &pb.GetPart{Part: &pb.GetPart_Header{Header: &pb.GetHeader{}}} }

func TestHostileGet(t *testing.T) {
	t.Parallel()
	hello := []byte("hello")
	big := make([]byte, MaxFrame+1)
	parts := func(list ...*pb.GetPart) func(grpc.ServerStreamingServer[pb.GetPart]) error {
		return func(s grpc.ServerStreamingServer[pb.GetPart]) error {
			for _, p := range list {
				if err := s.Send(p); err != nil {
					return err
				}
			}
			return nil
		}
	}
	hang := func(s grpc.ServerStreamingServer[pb.GetPart]) error {
		<-s.Context().Done()
		return s.Context().Err()
	}
	tests := []struct {
		name   string
		length int64
		get    func(grpc.ServerStreamingServer[pb.GetPart]) error
		want   error
	}{
		{"nothing at all", -1, parts(), ErrProtocol},
		{"frame for header", -1, parts(frame(hello), trailer(sum(hello))), ErrProtocol},
		{"no trailer", -1, parts(header(), frame(hello)), ErrProtocol},
		{"empty frame", -1, parts(header(), frame(nil)), ErrProtocol},
		{"second header", -1, parts(header(), header()), ErrProtocol},
		{"frame too large", -1, parts(header(), frame(big), trailer(sum(big))), ErrProtocol},
		{"message too large", -1, parts(header(), frame(make([]byte, 8<<20))), ErrProtocol},
		{"more than asked for", 4, parts(header(), frame(hello), trailer(sum(hello))), ErrProtocol},
		{"other length", -1, parts(header(), frame(hello), trailer(&pb.Digest{Length: 6, Sha256: sum(hello).Sha256})), storage.ErrCorrupt},
		{"other digest", -1, parts(header(), frame(hello), trailer(&pb.Digest{Length: 5, Sha256: sum(big).Sha256})), storage.ErrCorrupt},
		{"empty digest", -1, parts(header(), frame(hello), trailer(&pb.Digest{})), storage.ErrCorrupt},
		{"frame behind trailer", -1, parts(header(), frame(hello), trailer(sum(hello)), frame(hello)), ErrProtocol},
		{"second trailer", -1, parts(header(), frame(hello), trailer(sum(hello)), trailer(sum(hello))), ErrProtocol},
		{"hangs at once", -1, hang, ErrIdle},
		{"hangs in the middle", -1, func(s grpc.ServerStreamingServer[pb.GetPart]) error {
			return errors.Join(parts(header(), frame(hello))(s), hang(s))
		}, ErrIdle},
		{"error behind trailer", -1, func(s grpc.ServerStreamingServer[pb.GetPart]) error {
			_ = parts(header(), frame(hello), trailer(sum(hello)))(s)
			return encodeError(storage.ErrUnavailable)
		}, storage.ErrUnavailable},
		{"endless", -1, func(s grpc.ServerStreamingServer[pb.GetPart]) error {
			err := s.Send(header())
			for err == nil {
				err = s.Send(frame(big[:MaxFrame]))
			}
			return err
		}, ErrProtocol},
		{"bare status", -1, func(grpc.ServerStreamingServer[pb.GetPart]) error {
			return status.Error(codes.DataLoss, strings.Repeat("x", 30_000))
		}, ErrProtocol},
		{"oversize status", -1, func(grpc.ServerStreamingServer[pb.GetPart]) error {
			return status.Error(codes.DataLoss, strings.Repeat("x", 1<<20))
		}, ErrProtocol},
		{"connection cut", -1, func(grpc.ServerStreamingServer[pb.GetPart]) error {
			return status.Error(codes.Unavailable, "transport is closing")
		}, ErrPluginGone},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := hostileStorage(t, test.want, &hostile{get: test.get})
			r, err := s.Get(context.Background(), "k", 0, test.length)
			if err == nil {
				var n int64
				n, err = io.Copy(io.Discard, r)
				if n > tight(nil).MaxStream {
					t.Errorf("%d bytes came through", n)
				}
				_ = r.Close()
			}
			if !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if len(err.Error()) > 5000 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
			retry := errors.Is(test.want, ErrIdle) || errors.Is(test.want, ErrPluginGone) || errors.Is(test.want, storage.ErrUnavailable)
			if errors.Is(err, storage.ErrUnavailable) != retry {
				t.Errorf("%v: wrong about being worth a retry", err)
			}
		})
	}
}

func TestHostilePut(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789abcdef"), 2<<20/16)
	req := storage.PutRequest{Key: "k", Size: int64(len(content)), SHA256: sum(content).Sha256}
	drain := func(s grpc.ClientStreamingServer[pb.PutPart, pb.ObjectInfo]) {
		for {
			if _, err := s.Recv(); err != nil {
				return
			}
		}
	}
	type stream = grpc.ClientStreamingServer[pb.PutPart, pb.ObjectInfo]
	tests := []struct {
		name string
		put  func(stream) error
		want error
	}{
		{"receipt for another key", func(s stream) error {
			drain(s)
			return s.SendAndClose(&pb.ObjectInfo{Key: "other", Size: req.Size})
		}, ErrProtocol},
		{"receipt for another size", func(s stream) error {
			drain(s)
			return s.SendAndClose(&pb.ObjectInfo{Key: "k", Size: req.Size - 1})
		}, ErrProtocol},
		{"no receipt", func(s stream) error { drain(s); return nil }, ErrProtocol},
		{"hangs with the receipt", func(s stream) error { drain(s); <-s.Context().Done(); return nil }, ErrIdle},
		{"refuses at once", func(stream) error { return encodeError(storage.ErrExists) }, storage.ErrExists},
		{"full", func(s stream) error { _, _ = s.Recv(); return encodeError(storage.ErrFull) }, storage.ErrFull},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := hostileStorage(t, test.want, &hostile{put: test.put})
			if _, err := s.Put(context.Background(), req, bytes.NewReader(content)); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
	t.Run("stops reading", func(t *testing.T) {
		t.Parallel()
		s := hostileStorage(t, ErrIdle, &hostile{put: func(s stream) error { <-s.Context().Done(); return nil }})
		endless := storage.PutRequest{Key: "k", Size: 1 << 40}
		if _, err := s.Put(context.Background(), endless, zeros{}); !errors.Is(err, ErrIdle) {
			t.Errorf("%v, want ErrIdle", err)
		}
	})
	t.Run("success before the end", func(t *testing.T) {
		t.Parallel()
		s := hostileStorage(t, nil, &hostile{put: func(s stream) error {
			return s.SendAndClose(&pb.ObjectInfo{Key: "k", Size: 1 << 40})
		}})
		endless := storage.PutRequest{Key: "k", Size: 1 << 40}
		if _, err := s.Put(context.Background(), endless, zeros{}); !errors.Is(err, ErrProtocol) {
			t.Errorf("%v, want ErrProtocol", err)
		}
	})
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestPutWithoutATrailer: what the plugin's implementation reads must not end
// in io.EOF when the host went away in the middle.
func TestPutWithoutATrailer(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]*pb.PutPart{
		"none":         nil,
		"other length": {Part: &pb.PutPart_Trailer{Trailer: &pb.Digest{Length: 4, Sha256: sum([]byte("hello")).Sha256}}},
		"other digest": {Part: &pb.PutPart_Trailer{Trailer: &pb.Digest{Length: 5, Sha256: sum(nil).Sha256}}},
		"empty frame":  {Part: &pb.PutPart_Frame{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			b := &baseServer{storage: readAll{ended: ended}, drained: make(chan struct{})}
			c := connect(t, nil, func(s *grpc.Server) { pb.RegisterStorageServer(s, &storageServer{base: b}) })
			out, err := pb.NewStorageClient(c.conn).Put(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			_ = out.Send(putHeader(storage.PutRequest{Key: "k", Size: 5}))
			_ = out.Send(&pb.PutPart{Part: &pb.PutPart_Frame{Frame: []byte("hello")}})
			if last != nil {
				_ = out.Send(last)
			}
			if _, err := out.CloseAndRecv(); err == nil {
				t.Error("a receipt for a put without a true trailer")
			}
			if err := <-ended; err == nil {
				t.Error("the body ended well")
			}
		})
	}
}

// readAll is a storage that tells how a Put's body ended.
type readAll struct {
	storage.Storage
	ended chan error
}

func (r readAll) Put(_ context.Context, _ storage.PutRequest, body io.Reader) (storage.Info, error) {
	_, err := io.Copy(io.Discard, body)
	r.ended <- err
	return storage.Info{}, err
}

func TestHostileList(t *testing.T) {
	t.Parallel()
	batch := func(keys ...string) *pb.ListBatch {
		b := &pb.ListBatch{}
		for _, k := range keys {
			b.Objects = append(b.Objects, &pb.ObjectInfo{Key: k})
		}
		return b
	}
	many := make([]string, maxBatch+1)
	for i := range many {
		many[i] = fmt.Sprintf("p/%06d", i)
	}
	tests := []struct {
		name    string
		batches []*pb.ListBatch
		hang    bool
		seen    int
		want    error
	}{
		{"out of order", []*pb.ListBatch{batch("p/b", "p/a")}, false, 1, ErrProtocol},
		{"out of order in the next batch", []*pb.ListBatch{batch("p/b"), batch("p/a")}, false, 1, ErrProtocol},
		{"twice", []*pb.ListBatch{batch("p/b", "p/b")}, false, 1, ErrProtocol},
		{"not after", []*pb.ListBatch{batch("p/0")}, false, 0, ErrProtocol},
		{"not under the prefix", []*pb.ListBatch{batch("q")}, false, 0, ErrProtocol},
		{"invalid key", []*pb.ListBatch{batch("p/a/../../x")}, false, 0, ErrProtocol},
		{"negative size", []*pb.ListBatch{{Objects: []*pb.ObjectInfo{{Key: "p/a", Size: -1}}}}, false, 0, ErrProtocol},
		{"empty batch", []*pb.ListBatch{batch()}, false, 0, ErrProtocol},
		{"batch too large", []*pb.ListBatch{batch(many...)}, false, 0, ErrProtocol},
		{"endless", []*pb.ListBatch{batch("p/a", "p/b"), batch("p/c", "p/d")}, false, 3, ErrProtocol},
		{"hangs", []*pb.ListBatch{batch("p/a")}, true, 1, ErrIdle},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := hostileStorage(t, test.want, &hostile{list: func(s grpc.ServerStreamingServer[pb.ListBatch]) error {
				for _, b := range test.batches {
					if err := s.Send(b); err != nil {
						return err
					}
				}
				if test.hang {
					<-s.Context().Done()
				}
				return nil
			}})
			seen := 0
			var last error
			for _, err := range s.List(context.Background(), "p", "p/0") {
				if err == nil {
					seen++
				}
				last = err
			}
			if !errors.Is(last, test.want) || seen != test.seen {
				t.Errorf("%d objects, then %v, want %d, then %v", seen, last, test.seen, test.want)
			}
		})
	}
}

func TestHostileStatAndLocalPath(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, info := range []*pb.ObjectInfo{{Key: "other"}, {Key: "k", Size: -1}, {}} {
		s := hostileStorage(t, nil, &hostile{stat: info})
		if _, err := s.Stat(ctx, "k"); !errors.Is(err, ErrProtocol) {
			t.Errorf("stat answered with %v: %v, want ErrProtocol", info, err)
		}
	}
	for _, path := range []string{"", "relative", "/a/../b", "/a//b", "/dev/zero", t.TempDir(), "/nowhere/at/all", "/" + strings.Repeat("x", 5000), "/a\x00b"} {
		s := hostileStorage(t, nil, &hostile{path: path})
		if _, err := s.(storage.LocalPather).LocalPath(ctx, "k"); !errors.Is(err, ErrProtocol) {
			t.Errorf("local path %.40q: %v, want ErrProtocol", path, err)
		}
	}
}

func TestSlowReaderIsNotAnIdlePlugin(t *testing.T) {
	t.Parallel()
	hello := []byte("hello")
	more := make(chan struct{})
	s := hostileStorage(t, ErrIdle, &hostile{get: func(s grpc.ServerStreamingServer[pb.GetPart]) error {
		_ = s.Send(header())
		_ = s.Send(frame(hello))
		<-more
		return s.Send(trailer(sum(hello)))
	}})
	r, err := s.Get(context.Background(), "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * tight(ErrIdle).Idle) // the reader's own time, not the plugin's
	close(more)
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes, %v, want EOF", n, err)
	}
}
