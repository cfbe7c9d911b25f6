package wire

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/grpc"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// storageServer serves a storage.Storage.
type storageServer struct {
	pb.UnimplementedStorageServer
	base *baseServer
}

var _ pb.StorageServer = (*storageServer)(nil)

func (s *storageServer) Put(in grpc.ClientStreamingServer[pb.PutPart, pb.ObjectInfo]) error {
	if err := s.base.begin(); err != nil {
		return err
	}
	defer s.base.end()
	first, err := in.Recv()
	if err != nil {
		return encodeError(err)
	}
	h := first.GetHeader()
	if h == nil {
		return encodeError(fmt.Errorf("%w: put without a header", ErrProtocol))
	}
	payload := newBody(unbounded, storage.ErrCorrupt, func() (part, error) {
		m := &pb.PutPart{}
		message := &incoming{Message: m}
		if err := in.RecvMsg(message); err != nil {
			return part{}, err
		}
		return partOf(message, m.GetFrame(), m.GetTrailer()), nil
	})
	// A storage compares what it reads with the request: not twice.
	payload.promised = &pb.Digest{Length: h.GetSize(), Sha256: h.GetSha256()}
	info, err := s.base.storage.Put(in.Context(), storage.PutRequest{
		Key: h.GetKey(), Size: h.GetSize(), SHA256: h.GetSha256(),
		Replaces: h.GetReplaces(), RetainUntil: fromTimestamp(h.GetRetainUntil()),
	}, payload)
	if err != nil {
		return encodeError(err)
	}
	return in.SendAndClose(toInfo(info))
}

func (s *storageServer) Get(req *pb.GetRequest, out grpc.ServerStreamingServer[pb.GetPart]) error {
	if err := s.base.begin(); err != nil {
		return err
	}
	defer s.base.end()
	return encodeError(sendObject(s.base.storage.Get, req, out))
}

// getter opens an object, or its first version.
type getter func(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)

func sendObject(get getter, req *pb.GetRequest, out grpc.ServerStreamingServer[pb.GetPart]) (err error) {
	r, err := get(out.Context(), req.GetKey(), req.GetOffset(), req.GetLength())
	if err != nil {
		return err
	}
	closed := false
	defer func() {
		if !closed {
			_ = r.Close() // the read has failed already
		}
	}()
	if err := out.Send(&pb.GetPart{Part: &pb.GetPart_Header{Header: &pb.GetHeader{}}}); err != nil {
		return err
	}
	digest, err := sendFrames(r, func(frame *outFrame) error { return out.SendMsg(frame) })
	if err != nil {
		return err
	}
	closed = true
	if err := r.Close(); err != nil {
		return err
	}
	return out.Send(&pb.GetPart{Part: &pb.GetPart_Trailer{Trailer: digest}})
}

func (s *storageServer) Stat(ctx context.Context, req *pb.StatRequest) (*pb.ObjectInfo, error) {
	if err := s.base.begin(); err != nil {
		return nil, err
	}
	defer s.base.end()
	info, err := s.base.storage.Stat(ctx, req.GetKey())
	if err != nil {
		return nil, encodeError(err)
	}
	return toInfo(info), nil
}

func (s *storageServer) List(req *pb.ListRequest, out grpc.ServerStreamingServer[pb.ListBatch]) error {
	if err := s.base.begin(); err != nil {
		return err
	}
	defer s.base.end()
	batch := &pb.ListBatch{}
	for info, err := range s.base.storage.List(out.Context(), req.GetPrefix(), req.GetAfter()) {
		if err != nil {
			return encodeError(err)
		}
		batch.Objects = append(batch.Objects, toInfo(info))
		if len(batch.Objects) == maxBatch {
			if err := out.Send(batch); err != nil {
				return err
			}
			batch = &pb.ListBatch{}
		}
	}
	if len(batch.Objects) == 0 {
		return nil
	}
	return out.Send(batch)
}

func (s *storageServer) Delete(ctx context.Context, req *pb.DeleteRequest) (*pb.DeleteResponse, error) {
	if err := s.base.begin(); err != nil {
		return nil, err
	}
	defer s.base.end()
	if err := s.base.storage.Delete(ctx, req.GetKey()); err != nil {
		return nil, encodeError(err)
	}
	return &pb.DeleteResponse{}, nil
}

func (s *storageServer) LocalPath(ctx context.Context, req *pb.LocalPathRequest) (*pb.LocalPathResponse, error) {
	if err := s.base.begin(); err != nil {
		return nil, err
	}
	defer s.base.end()
	local, ok := s.base.storage.(storage.LocalPather)
	if !ok {
		return nil, encodeError(fmt.Errorf("local path: storage has no local files"))
	}
	path, err := local.LocalPath(ctx, req.GetKey())
	if err != nil {
		return nil, encodeError(err)
	}
	return &pb.LocalPathResponse{Path: path}, nil
}

func toInfo(i storage.Info) *pb.ObjectInfo {
	return &pb.ObjectInfo{Key: i.Key, Size: i.Size, Modified: toTimestamp(i.Modified)}
}

var _ io.Reader = (*body)(nil)
