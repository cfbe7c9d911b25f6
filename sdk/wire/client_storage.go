package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// storageClient is a plugin as a storage.Storage.
type storageClient struct {
	rpc    pb.StorageClient
	config Config
	about  About // of the plugin, configured
}

// localStorageClient is one whose objects are files.
type localStorageClient struct{ *storageClient }

var (
	_ storage.Storage     = (*storageClient)(nil)
	_ storage.LocalPather = (*localStorageClient)(nil)
)

func (c *storageClient) Put(ctx context.Context, req storage.PutRequest, payload io.Reader) (storage.Info, error) {
	if !utf8.ValidString(req.Key) { // could not even be asked for
		return storage.Info{}, fmt.Errorf("put: %w", storage.ErrInvalidKey)
	}
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	info, err := c.put(op, req, payload)
	if err != nil {
		return storage.Info{}, storageError("put", err)
	}
	return info, nil
}

func (c *storageClient) put(op *call, req storage.PutRequest, payload io.Reader) (storage.Info, error) {
	var out grpc.ClientStreamingClient[pb.PutPart, pb.ObjectInfo]
	send := func(m *pb.PutPart) error {
		return op.step(func() error { return out.Send(m) })
	}
	err := op.step(func() (err error) {
		out, err = c.rpc.Put(op.ctx)
		return err
	})
	if err != nil {
		return storage.Info{}, op.explain(err)
	}
	var digest *pb.Digest
	if err = send(putHeader(req)); err != nil {
		err = &sendError{err}
	} else {
		// One byte too many is enough to know that the size is wrong.
		digest, err = sendFrames(io.LimitReader(payload, max(req.Size, 0)+1), func(frame *outFrame) error {
			return op.step(func() error { return out.SendMsg(frame) })
		})
	}
	var lost *sendError
	switch {
	case err == nil && (digest.GetLength() != req.Size || digest.GetSha256() != req.SHA256):
		// Ending the call without a trailer: the plugin must not keep this.
		return storage.Info{}, fmt.Errorf("%w: put %s: bytes do not fit the request", storage.ErrCorrupt, req.Key)
	case err == nil:
		err = send(&pb.PutPart{Part: &pb.PutPart_Trailer{Trailer: digest}})
	case errors.As(err, &lost):
		err = lost.err
	default:
		return storage.Info{}, fmt.Errorf("read body: %w", err)
	}
	// io.EOF from a send means that the plugin has answered early; the answer
	// says why.
	if err != nil && err != io.EOF { //nolint:errorlint // only the bare io.EOF is the end
		return storage.Info{}, op.explain(err)
	}
	return c.receipt(op, out, req, digest != nil && err == nil)
}

func putHeader(req storage.PutRequest) *pb.PutPart {
	return &pb.PutPart{Part: &pb.PutPart_Header{Header: &pb.PutHeader{
		Key: req.Key, Size: req.Size, Sha256: clip(req.SHA256, maxName),
		Replaces: clip(req.Replaces, maxName), RetainUntil: toTimestamp(req.RetainUntil),
	}}}
}

// receipt takes the answer to a Put. Only a whole upload can have succeeded.
func (c *storageClient) receipt(op *call, out grpc.ClientStreamingClient[pb.PutPart, pb.ObjectInfo],
	req storage.PutRequest, whole bool,
) (storage.Info, error) {
	var answer *pb.ObjectInfo
	err := op.stepFor(c.config.Commit, func() (err error) {
		answer, err = out.CloseAndRecv()
		return err
	})
	if err != nil {
		return storage.Info{}, op.explain(err)
	}
	info := fromInfo(answer)
	if !whole || info.Key != req.Key || info.Size != req.Size {
		return storage.Info{}, fmt.Errorf("%w: receipt does not fit what was put", ErrProtocol)
	}
	return info, nil
}

func (c *storageClient) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return c.get(ctx, "get", c.rpc.Get, &pb.GetRequest{Key: key, Offset: offset, Length: length})
}

// getRPC is one of the calls that send an object.
type getRPC func(ctx context.Context, req *pb.GetRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[pb.GetPart], error)

func (c *storageClient) get(ctx context.Context, name string, rpc getRPC, req *pb.GetRequest) (io.ReadCloser, error) {
	if !utf8.ValidString(req.GetKey()) {
		return nil, fmt.Errorf("%s: %w", name, storage.ErrInvalidKey)
	}
	op := newCall(ctx, c.config.Idle)
	var in grpc.ServerStreamingClient[pb.GetPart]
	var first *pb.GetPart
	err := op.step(func() (err error) {
		if in, err = rpc(op.ctx, req); err != nil {
			return err
		}
		first, err = in.Recv()
		return err
	})
	switch {
	case errors.Is(err, io.EOF) || err == nil && first.GetHeader() == nil:
		err = fmt.Errorf("%w: %s without a header", ErrProtocol, name)
	case err != nil:
		err = op.explain(err)
	}
	if err != nil {
		op.end()
		return nil, storageError(name, err)
	}
	r := newBody(window(req.GetLength(), c.config.MaxStream), storage.ErrCorrupt, func() (part, error) {
		m := &pb.GetPart{}
		message := &incoming{Message: m}
		err := op.step(func() error { return in.RecvMsg(message) })
		if err == io.EOF { //nolint:errorlint // only the bare io.EOF is the end
			return part{}, io.EOF
		}
		if err != nil {
			return part{}, op.explain(err)
		}
		return partOf(message, m.GetFrame(), m.GetTrailer()), nil
	})
	return &getting{op: op, body: r}, nil
}

// getting is an open object.
type getting struct {
	op   *call
	body *body
}

func (g *getting) Read(p []byte) (int, error) {
	n, err := g.body.Read(p)
	if err == io.EOF { //nolint:errorlint // only the bare io.EOF is the end
		g.op.end()
		return n, io.EOF
	}
	return n, storageError("get", err)
}

func (g *getting) Close() error {
	g.op.end()
	return nil
}

func (c *storageClient) Stat(ctx context.Context, key string) (storage.Info, error) {
	if !utf8.ValidString(key) {
		return storage.Info{}, fmt.Errorf("stat: %w", storage.ErrInvalidKey)
	}
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	var answer *pb.ObjectInfo
	err := op.step(func() (err error) {
		answer, err = c.rpc.Stat(op.ctx, &pb.StatRequest{Key: key})
		return err
	})
	if err != nil {
		return storage.Info{}, storageError("stat", op.explain(err))
	}
	info := fromInfo(answer)
	if info.Key != key || info.Size < 0 {
		return storage.Info{}, fmt.Errorf("stat: %w: answer about another object", ErrProtocol)
	}
	return info, nil
}

func (c *storageClient) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		op := newCall(ctx, c.config.Idle)
		defer op.end()
		if err := c.list(op, prefix, after, yield); err != nil {
			yield(storage.Info{}, storageError("list", err))
		}
	}
}

// list yields what comes as long as it is what was asked for, in order.
func (c *storageClient) list(op *call, prefix, after string, yield func(storage.Info, error) bool) error {
	if !utf8.ValidString(prefix) || !utf8.ValidString(after) {
		return storage.ErrInvalidKey
	}
	var in grpc.ServerStreamingClient[pb.ListBatch]
	err := op.step(func() (err error) {
		in, err = c.rpc.List(op.ctx, &pb.ListRequest{Prefix: prefix, After: after})
		return err
	})
	if err != nil {
		return op.explain(err)
	}
	left := c.config.MaxList
	for last := after; ; {
		var batch *pb.ListBatch
		err := op.step(func() (err error) {
			batch, err = in.Recv()
			return err
		})
		if err == io.EOF { //nolint:errorlint // only the bare io.EOF is the end
			return nil
		}
		if err != nil {
			return op.explain(err)
		}
		objects := batch.GetObjects()
		if len(objects) == 0 || len(objects) > maxBatch {
			return fmt.Errorf("%w: list batch of %d, 1 to %d allowed", ErrProtocol, len(objects), maxBatch)
		}
		for _, o := range objects {
			info := fromInfo(o)
			left--
			switch {
			case left < 0:
				return fmt.Errorf("%w: list of more than %d objects", ErrProtocol, c.config.MaxList)
			case !storage.ValidKey(info.Key) || info.Size < 0:
				return fmt.Errorf("%w: listed key %.80q", ErrProtocol, info.Key)
			case info.Key <= last || !strings.HasPrefix(info.Key, prefix):
				return fmt.Errorf("%w: listed key %s out of order or not asked for", ErrProtocol, info.Key)
			}
			last = info.Key
			if !yield(info, nil) {
				return nil
			}
		}
	}
}

func (c *storageClient) Delete(ctx context.Context, key string) error {
	if !utf8.ValidString(key) {
		return fmt.Errorf("delete: %w", storage.ErrInvalidKey)
	}
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	err := op.step(func() error {
		_, err := c.rpc.Delete(op.ctx, &pb.DeleteRequest{Key: key})
		return err
	})
	if err != nil {
		return storageError("delete", op.explain(err))
	}
	return nil
}

// LocalPath returns the path of an object's file. What is in the file is for
// the caller to check, as with bytes from Get.
func (c *localStorageClient) LocalPath(ctx context.Context, key string) (string, error) {
	if !utf8.ValidString(key) {
		return "", fmt.Errorf("local path: %w", storage.ErrInvalidKey)
	}
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	var answer *pb.LocalPathResponse
	err := op.step(func() (err error) {
		answer, err = c.rpc.LocalPath(op.ctx, &pb.LocalPathRequest{Key: key})
		return err
	})
	if err != nil {
		return "", storageError("local path", op.explain(err))
	}
	path := answer.GetPath()
	if len(path) > maxPath || !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("local path: %w: not a clean absolute path", ErrProtocol)
	}
	// A device or a pipe would hang whoever opens it.
	if fi, err := os.Lstat(path); err != nil || !fi.Mode().IsRegular() {
		return "", fmt.Errorf("local path: %w: not a regular file", ErrProtocol)
	}
	return path, nil
}

func fromInfo(i *pb.ObjectInfo) storage.Info {
	return storage.Info{Key: i.GetKey(), Size: i.GetSize(), Modified: fromTimestamp(i.GetModified())}
}
