package wire

import (
	"cmp"
	"context"
	"math"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// The versions of the protocol that this package speaks: all from the oldest
// to the newest. Host and plugin use the newest that both have.
const (
	OldestProtocol  = 1
	ProtocolVersion = 1
)

// The kinds of plugins.
const (
	KindSource  = "source"
	KindStorage = "storage"
)

// PowerLocalPath is announced by a storage that is a storage.LocalPather.
const PowerLocalPath = "local_path"

// PowerLocks is announced by a storage that is a storage.Locker, PowerProbe by
// one that is a storage.Prober, PowerVersions by one that is a storage.Versioner.
const (
	PowerLocks    = "locks"
	PowerProbe    = "probe"
	PowerVersions = "versions"
)

// serviceName is the one entry of a plugin set.
const serviceName = "rainlogs"

// Offer is what a plugin process serves: exactly one of the two openers.
type Offer struct {
	Name    string
	Version string
	Schema  config.Schema

	OpenSource  func(config.Values) (source.Source, error)
	OpenStorage func(config.Values) (storage.Storage, error)
}

// Kind returns which of the openers is set.
func (o Offer) Kind() string {
	if o.OpenSource != nil {
		return KindSource
	}
	return KindStorage
}

// Handshake returns the cookie that tells a plugin it was started by a host.
// It is no secret and protects nothing.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{MagicCookieKey: "RAINLOGS_PLUGIN", MagicCookieValue: "2f6b1f1c-rain-logs-plugin"}
}

// Plugins returns a fresh map of protocol versions to what they serve:
// go-plugin writes into the maps it is given, so none is ever shared. offer
// is nil in the host.
func Plugins(offer *Offer) map[int]plugin.PluginSet {
	versions := map[int]plugin.PluginSet{}
	for v := OldestProtocol; v <= ProtocolVersion; v++ {
		versions[v] = plugin.PluginSet{serviceName: &Plugin{Offer: offer, Protocol: v}}
	}
	return versions
}

// Plugin connects the port to go-plugin.
type Plugin struct {
	plugin.NetRPCUnsupportedPlugin
	Offer    *Offer // in the plugin process
	Protocol int    // the version that was agreed on; 0 is the newest
	Config   Config // in the host
}

var _ plugin.GRPCPlugin = (*Plugin)(nil)

// GRPCServer registers the offer's services.
func (p *Plugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	register(s, *p.Offer, cmp.Or(p.Protocol, ProtocolVersion))
	return nil
}

// GRPCClient returns a *Client.
func (p *Plugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewClient(conn, p.Config), nil
}

// ServeConfig is how a plugin process serves its offer: no diagnostics of
// go-plugin's own, bounded messages, and windows wide enough for throughput.
func ServeConfig(offer Offer) *plugin.ServeConfig {
	return &plugin.ServeConfig{
		HandshakeConfig:  Handshake(),
		VersionedPlugins: Plugins(&offer),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, serverOptions()...)...)
		},
		Logger: SilentLogger(),
	}
}

// SilentLogger is an hclog logger at level Off. It matters that it says so:
// go-plugin parses a plugin's stderr for any logger that does not, and a line
// of {"@message":1} makes that parser panic (go-plugin 1.8).
func SilentLogger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "go-plugin", Level: hclog.Off})
}

const (
	streamWindow = 4 << 20
	connWindow   = 16 << 20
)

func serverOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connWindow),
		grpc.ReadBufferSize(MaxFrame),
		grpc.WriteBufferSize(MaxFrame),
	}
}

// DialOptions are the bounds of the host's connection to a plugin.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(newCodec()),
			grpc.MaxCallRecvMsgSize(maxMessage),
			grpc.MaxCallSendMsgSize(maxMessage),
		),
		grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(connWindow),
		grpc.WithReadBufferSize(MaxFrame),
		grpc.WithWriteBufferSize(MaxFrame),
		grpc.WithIdleTimeout(0),
		grpc.WithDisableRetry(), // whether to try again is the caller's to say
		grpc.WithDisableServiceConfig(),
	}
}

// window is a bound for LimitReader-like counts: length, or no bound at all.
func window(length, most int64) int64 {
	if length < 0 {
		return most
	}
	return min(length, most)
}

// unbounded is the bound of a stream whose sender is believed.
const unbounded = math.MaxInt64
