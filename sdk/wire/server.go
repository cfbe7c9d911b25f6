package wire

import (
	"context"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// Register serves an offer on a gRPC server, in the newest version.
func Register(s *grpc.Server, offer Offer) { register(s, offer, ProtocolVersion) }

func register(s *grpc.Server, offer Offer, protocol int) {
	b := &baseServer{offer: offer, protocol: protocol, drained: make(chan struct{})}
	pb.RegisterBaseServer(s, b)
	if offer.Kind() == KindSource {
		pb.RegisterSourceServer(s, &sourceServer{base: b})
	} else {
		pb.RegisterStorageServer(s, &storageServer{base: b})
	}
}

// baseServer holds the plugin's one instance and counts the calls on it.
//
//	new ── Configure ──► open ── Drain ──► draining ── last call ends ──► drained
type baseServer struct {
	pb.UnimplementedBaseServer
	offer    Offer
	protocol int
	drained  chan struct{} // closed once draining and live is 0

	mu       sync.Mutex
	source   source.Source
	storage  storage.Storage
	live     int
	draining bool
}

var _ pb.BaseServer = (*baseServer)(nil)

func (b *baseServer) Describe(context.Context, *pb.DescribeRequest) (*pb.About, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.about(), nil
}

func (b *baseServer) about() *pb.About {
	a := &pb.About{
		Name: b.offer.Name, Kind: b.offer.Kind(), Version: clip(b.offer.Version, maxName), Protocol: uint32(b.protocol),
	}
	for _, f := range b.offer.Schema {
		a.Schema = append(a.Schema, &pb.SettingField{
			Name: f.Name, Kind: string(f.Kind), Help: clip(f.Help, maxText),
			Default: f.Default, Required: f.Required, Secret: f.Secret, Endpoint: f.Endpoint,
		})
	}
	if _, ok := b.storage.(storage.LocalPather); ok {
		a.Capabilities = append(a.Capabilities, PowerLocalPath)
	}
	if _, ok := b.storage.(storage.Locker); ok {
		a.Capabilities = append(a.Capabilities, PowerLocks)
	}
	if _, ok := b.storage.(storage.Prober); ok {
		a.Capabilities = append(a.Capabilities, PowerProbe)
	}
	if _, ok := b.storage.(storage.Versioner); ok {
		a.Capabilities = append(a.Capabilities, PowerVersions)
	}
	return a
}

// Configure opens the instance. The lock is held meanwhile: nothing else can
// be done with a plugin that is not open.
func (b *baseServer) Configure(_ context.Context, req *pb.ConfigureRequest) (*pb.About, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.source != nil || b.storage != nil || b.draining {
		return nil, encodeError(fmt.Errorf("configure: already configured"))
	}
	values, err := b.offer.Schema.Check(config.Values(req.GetValues()))
	if err != nil {
		return nil, encodeError(fmt.Errorf("configure: %w", err))
	}
	if b.offer.OpenSource != nil {
		b.source, err = b.offer.OpenSource(values)
	} else {
		b.storage, err = b.offer.OpenStorage(values)
	}
	if err != nil {
		b.source, b.storage = nil, nil
		return nil, encodeError(fmt.Errorf("configure: %w", err))
	}
	return b.about(), nil
}

// Drain waits for the live calls, then closes an instance that is a Closer.
func (b *baseServer) Drain(ctx context.Context, _ *pb.DrainRequest) (*pb.DrainResponse, error) {
	b.mu.Lock()
	first := !b.draining
	b.draining = true
	if first && b.live == 0 {
		close(b.drained)
	}
	b.mu.Unlock()
	select {
	case <-b.drained:
	case <-ctx.Done():
		return nil, encodeError(ctx.Err())
	}
	if !first {
		return &pb.DrainResponse{}, nil
	}
	for _, instance := range []any{b.source, b.storage} {
		if c, ok := instance.(io.Closer); ok {
			if err := c.Close(); err != nil {
				return nil, encodeError(fmt.Errorf("close: %w", err))
			}
		}
	}
	return &pb.DrainResponse{}, nil
}

// begin counts a call in; end counts it out.
func (b *baseServer) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.draining:
		return encodeError(fmt.Errorf("plugin is draining: %w", storage.ErrUnavailable))
	case b.source == nil && b.storage == nil:
		return encodeError(fmt.Errorf("plugin is not configured"))
	}
	b.live++
	return nil
}

func (b *baseServer) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live--
	if b.draining && b.live == 0 {
		close(b.drained)
	}
}
