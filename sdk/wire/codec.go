package wire

import (
	"encoding/binary"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// frameField is the number of the field frame in PutPart, GetPart and PullPart.
const frameField protowire.Number = 2

// codec is gRPC's own, but that frames go through it without being copied: its
// own copies each of them twice on either side, and clears four times as much
// memory for that (grpc 1.85: 256 KiB and a few bytes take a buffer of 1 MiB).
// What is on the wire is the same.
type codec struct{ encoding.CodecV2 }

func newCodec() encoding.CodecV2 { return codec{encoding.GetCodecV2(proto.Name)} }

// outFrame is a part of a payload stream that is a frame. Who sends it gives
// the buffer away: it returns to its pool when gRPC has written it. Another
// codec, of a server that is not ours, sends the message.
type outFrame struct {
	protobuf.Message
	data *[]byte
	pool mem.BufferPool
}

func newOutFrame(data *[]byte, pool mem.BufferPool) *outFrame {
	// GetPart and PullPart have the frame in the same place.
	return &outFrame{Message: &pb.PutPart{Part: &pb.PutPart_Frame{Frame: *data}}, data: data, pool: pool}
}

// incoming is a part of a payload stream: a frame, or what its message holds,
// which is all there is with another codec.
type incoming struct {
	protobuf.Message
	frame *mem.Reader // nil if it is none, or not by itself
}

// Marshal writes an outFrame as the part that it is.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*outFrame)
	if !ok {
		return c.CodecV2.Marshal(v) //nolint:wrapcheck // as gRPC's own
	}
	head := protowire.AppendTag(nil, frameField, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(*f.data)))
	return mem.BufferSlice{mem.SliceBuffer(head), mem.NewBuffer(f.data, f.pool)}, nil
}

// Unmarshal leaves a frame where it is: its reader keeps the buffers.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	in, ok := v.(*incoming)
	if !ok {
		return c.CodecV2.Unmarshal(data, v) //nolint:wrapcheck // as gRPC's own
	}
	if in.frame = cutFrame(data); in.frame != nil {
		return nil
	}
	return c.CodecV2.Unmarshal(data, in.Message) //nolint:wrapcheck // as gRPC's own
}

// cutFrame returns the frame of a message that is one and nothing else.
func cutFrame(data mem.BufferSlice) *mem.Reader {
	r := data.Reader()
	tag, err := binary.ReadUvarint(r)
	if err == nil && tag == protowire.EncodeTag(frameField, protowire.BytesType) {
		if n, err := binary.ReadUvarint(r); err == nil && n == uint64(r.Remaining()) {
			return r
		}
	}
	_ = r.Close() // never fails: it gives the buffers back
	return nil
}

// framePool holds the buffers of one stream's frames that are not under way.
type framePool struct{ free chan *[]byte }

var _ mem.BufferPool = (*framePool)(nil)

func newFramePool() *framePool { return &framePool{free: make(chan *[]byte, 4)} }

// Get returns a buffer for a whole frame; only that is ever asked for.
func (p *framePool) Get(int) *[]byte {
	select {
	case b := <-p.free:
		return b
	default:
		b := make([]byte, MaxFrame)
		return &b
	}
}

// Put takes a buffer back.
func (p *framePool) Put(b *[]byte) {
	if cap(*b) < MaxFrame {
		return
	}
	*b = (*b)[:MaxFrame]
	select {
	case p.free <- b:
	default: // enough of them
	}
}
