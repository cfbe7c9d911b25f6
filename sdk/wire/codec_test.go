package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// TestFrameOnTheWire: what the codec writes is the message that any other
// implementation of protobuf writes, and it reads what those write.
func TestFrameOnTheWire(t *testing.T) {
	t.Parallel()
	c := newCodec()
	for _, size := range []int{1, 127, 128, 1024, 1025, 70_000, MaxFrame} {
		content := bytes.Repeat([]byte{7}, size)
		want, err := proto.Marshal(&pb.PutPart{Part: &pb.PutPart_Frame{Frame: content}})
		if err != nil {
			t.Fatal(err)
		}
		data := bytes.Clone(content)
		out, err := c.Marshal(newOutFrame(&data, newFramePool()))
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Materialize(); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: other bytes on the wire", size)
		}
		in := &incoming{Message: &pb.PutPart{}}
		if err := c.Unmarshal(mem.BufferSlice{mem.SliceBuffer(want[:1]), mem.SliceBuffer(want[1:])}, in); err != nil || in.frame == nil {
			t.Fatalf("%d bytes: no frame, %v", size, err)
		}
		if got, err := io.ReadAll(in.frame); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: %d came, %v", size, len(got), err)
		}
	}
}

// TestOtherParts are decoded as any message is.
func TestOtherParts(t *testing.T) {
	t.Parallel()
	unknown := []byte{0x7a, 1, 'x'} // field 15
	frame := []byte{0x12, 2, 'h', 'i'}
	for name, tc := range map[string]struct {
		wire []byte
		want *pb.PutPart
		ok   bool
	}{
		"nothing":          {nil, &pb.PutPart{}, true},
		"unknown behind":   {append(bytes.Clone(frame), unknown...), &pb.PutPart{Part: &pb.PutPart_Frame{Frame: []byte("hi")}}, true},
		"unknown before":   {append(bytes.Clone(unknown), frame...), &pb.PutPart{Part: &pb.PutPart_Frame{Frame: []byte("hi")}}, true},
		"two frames":       {append([]byte{0x12, 1, 'x'}, frame...), &pb.PutPart{Part: &pb.PutPart_Frame{Frame: []byte("hi")}}, true},
		"cut off":          {frame[:3], nil, false},
		"length cut off":   {[]byte{0x12, 0x80}, nil, false},
		"length too large": {[]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, nil, false},
	} {
		m := &pb.PutPart{}
		in := &incoming{Message: m}
		err := newCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(tc.wire)}, in)
		if in.frame != nil || (err == nil) != tc.ok {
			t.Errorf("%s: frame %v, %v", name, in.frame, err)
		}
		if tc.ok && !bytes.Equal(m.GetFrame(), tc.want.GetFrame()) {
			t.Errorf("%s: %s", name, cmp.Diff(tc.want.GetFrame(), m.GetFrame()))
		}
	}
}

// keeping is a storage that compares what it reads with the request, and
// keeps nothing but the last error.
type keeping struct{ storage.Storage }

func (keeping) Put(_ context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, body)
	if err == nil && (n != req.Size || hex.EncodeToString(sum.Sum(nil)) != req.SHA256) {
		err = fmt.Errorf("%w: %d bytes", storage.ErrCorrupt, n)
	}
	return storage.Info{Key: req.Key, Size: n}, err
}

func (keeping) Get(_ context.Context, key string, _, length int64) (io.ReadCloser, error) {
	return io.NopCloser(&pieces{r: io.LimitReader(rand.NewChaCha8([32]byte{key[0]}), length), rand: rand.New(rand.NewPCG(3, uint64(key[0])))}), nil
}

// pieces reads pieces of any size.
type pieces struct {
	r    io.Reader
	rand *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	return p.r.Read(b[:min(len(b), 1+p.rand.IntN(2*MaxFrame)/(1+p.rand.IntN(500)))])
}

// TestBuffersAreNotMixedUp: many streams of pieces of all sizes at once, over
// a server with the codec of plugins and over one with gRPC's own.
func TestBuffersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	const size = 3<<20 + 17
	for name, options := range map[string][]grpc.ServerOption{"ours": serverOptions(), "gRPC's": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lis, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
			if err != nil {
				t.Fatal(err)
			}
			server := grpc.NewServer(options...)
			pb.RegisterStorageServer(server, &storageServer{base: &baseServer{storage: keeping{}, drained: make(chan struct{})}})
			served := make(chan struct{})
			go func() { defer close(served); _ = server.Serve(lis) }()
			conn, err := grpc.NewClient("unix:"+lis.Addr().String(), append(DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close(); server.Stop(); <-served })
			s := NewClient(conn, Config{}).Storage(About{})
			var g errgroup.Group
			for i := range 8 {
				g.Go(func() error { return roundTrip(t.Context(), s, string(rune('a'+i)), size) })
			}
			if err := g.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// roundTrip puts and gets the same bytes, and wrong ones too.
func roundTrip(ctx context.Context, s storage.Storage, key string, size int64) error {
	body, _ := keeping{}.Get(ctx, key, 0, size)
	sum := sha256.New()
	_, _ = io.Copy(sum, body)
	req := storage.PutRequest{Key: key, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}
	body, _ = keeping{}.Get(ctx, key, 0, size)
	if _, err := s.Put(ctx, req, body); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	body, _ = keeping{}.Get(ctx, "z", 0, size)
	if _, err := s.Put(ctx, req, body); !errors.Is(err, storage.ErrCorrupt) {
		return fmt.Errorf("put of other bytes: %w", err)
	}
	body, err := s.Get(ctx, key, 0, size)
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	got := sha256.New()
	if _, err := io.Copy(got, &pieces{body, rand.New(rand.NewPCG(1, 2))}); err != nil || !bytes.Equal(got.Sum(nil), sum.Sum(nil)) {
		return fmt.Errorf("other bytes came: %w", err)
	}
	return nil
}
