package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"

	"github.com/fabriziosalmi/rainlogs/sdk/probe"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

var (
	_ storage.Locker    = (*storageClient)(nil)
	_ storage.Prober    = (*storageClient)(nil)
	_ storage.Versioner = (*storageClient)(nil)
)

// LockedUntil fails with errors.ErrUnsupported if the plugin knows no locks.
func (c *storageClient) LockedUntil(ctx context.Context, key string) (time.Time, error) {
	if !c.about.Has(PowerLocks) {
		return time.Time{}, fmt.Errorf("locked until: %w", errors.ErrUnsupported)
	}
	if !utf8.ValidString(key) {
		return time.Time{}, fmt.Errorf("locked until: %w", storage.ErrInvalidKey)
	}
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	var answer *pb.LockedUntilResponse
	err := op.step(func() (err error) {
		answer, err = c.rpc.LockedUntil(op.ctx, &pb.LockedUntilRequest{Key: key})
		return err
	})
	if err != nil {
		return time.Time{}, storageError("locked until", op.explain(err))
	}
	return fromTimestamp(answer.GetUntil()), nil
}

// Probe fails with errors.ErrUnsupported if the plugin cannot probe itself.
func (c *storageClient) Probe(ctx context.Context) ([]probe.Check, error) {
	if !c.about.Has(PowerProbe) {
		return nil, fmt.Errorf("probe: %w", errors.ErrUnsupported)
	}
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	var r *pb.ProbeReport
	err := op.stepFor(c.config.Commit, func() (err error) {
		r, err = c.rpc.Probe(op.ctx, &pb.StorageProbeRequest{})
		return err
	})
	if err != nil {
		return nil, storageError("probe", op.explain(err))
	}
	var k checker
	checks := fromChecks(&k, r.GetChecks())
	if k.err != nil {
		return nil, storageError("probe", k.err)
	}
	return checks, nil
}

// GetFirst fails with errors.ErrUnsupported if the plugin keeps no versions.
func (c *storageClient) GetFirst(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if !c.about.Has(PowerVersions) {
		return nil, fmt.Errorf("get first: %w", errors.ErrUnsupported)
	}
	return c.get(ctx, "get first", c.rpc.GetFirst, &pb.GetRequest{Key: key, Offset: offset, Length: length})
}

// Uncover fails with errors.ErrUnsupported if the plugin keeps no versions.
func (c *storageClient) Uncover(ctx context.Context, key, sha256 string) error {
	if !c.about.Has(PowerVersions) {
		return fmt.Errorf("uncover: %w", errors.ErrUnsupported)
	}
	if !utf8.ValidString(key) {
		return fmt.Errorf("uncover: %w", storage.ErrInvalidKey)
	}
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	err := op.stepFor(c.config.Commit, func() error {
		_, err := c.rpc.Uncover(op.ctx, &pb.UncoverRequest{Key: key, Sha256: clip(sha256, maxName)})
		return err
	})
	if err != nil {
		return storageError("uncover", op.explain(err))
	}
	return nil
}

func (s *storageServer) LockedUntil(ctx context.Context, req *pb.LockedUntilRequest) (*pb.LockedUntilResponse, error) {
	if err := s.base.begin(); err != nil {
		return nil, err
	}
	defer s.base.end()
	l, ok := s.base.storage.(storage.Locker)
	if !ok {
		return nil, encodeError(errors.New("locked until: storage knows no locks"))
	}
	until, err := l.LockedUntil(ctx, req.GetKey())
	if err != nil {
		return nil, encodeError(err)
	}
	return &pb.LockedUntilResponse{Until: toTimestamp(until)}, nil
}

func (s *storageServer) Probe(ctx context.Context, _ *pb.StorageProbeRequest) (*pb.ProbeReport, error) {
	if err := s.base.begin(); err != nil {
		return nil, err
	}
	defer s.base.end()
	p, ok := s.base.storage.(storage.Prober)
	if !ok {
		return nil, encodeError(errors.New("probe: storage cannot probe itself"))
	}
	checks, err := p.Probe(ctx)
	if err != nil {
		return nil, encodeError(err)
	}
	return &pb.ProbeReport{Checks: toChecks(checks)}, nil
}

// errNoVersions is for a host that asks for what was not announced.
var errNoVersions = errors.New("storage keeps no versions")

func (s *storageServer) GetFirst(req *pb.GetRequest, out grpc.ServerStreamingServer[pb.GetPart]) error {
	if err := s.base.begin(); err != nil {
		return err
	}
	defer s.base.end()
	v, ok := s.base.storage.(storage.Versioner)
	if !ok {
		return encodeError(errNoVersions)
	}
	return encodeError(sendObject(v.GetFirst, req, out))
}

func (s *storageServer) Uncover(ctx context.Context, req *pb.UncoverRequest) (*pb.UncoverResponse, error) {
	if err := s.base.begin(); err != nil {
		return nil, err
	}
	defer s.base.end()
	v, ok := s.base.storage.(storage.Versioner)
	if !ok {
		return nil, encodeError(errNoVersions)
	}
	if err := v.Uncover(ctx, req.GetKey(), req.GetSha256()); err != nil {
		return nil, encodeError(err)
	}
	return &pb.UncoverResponse{}, nil
}
