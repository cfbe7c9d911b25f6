package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// About is what a plugin says of itself.
type About struct {
	Name         string
	Kind         string
	Version      string
	Protocol     int
	Schema       config.Schema
	Capabilities []string // known once configured
}

// Has reports whether a power is announced.
func (a About) Has(power string) bool {
	for _, p := range a.Capabilities {
		if p == power {
			return true
		}
	}
	return false
}

// namePattern is the shape of plugin and setting names.
var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// ValidName reports whether name is one that a plugin may have.
func ValidName(name string) bool { return namePattern.MatchString(name) }

// Client is the host's end of a connection to a plugin.
type Client struct {
	conn   grpc.ClientConnInterface
	config Config
	base   pb.BaseClient
}

// NewClient speaks to the plugin behind conn.
func NewClient(conn grpc.ClientConnInterface, c Config) *Client {
	return &Client{conn: conn, config: c.withDefaults(), base: pb.NewBaseClient(conn)}
}

// Describe asks what the plugin is, before or after it is configured.
func (c *Client) Describe(ctx context.Context) (About, error) {
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	var a *pb.About
	err := op.step(func() (err error) {
		a, err = c.base.Describe(op.ctx, &pb.DescribeRequest{})
		return err
	})
	if err != nil {
		return About{}, fmt.Errorf("describe: %w", op.explain(err))
	}
	return fromAbout(a)
}

// Configure opens the plugin with settings, and says what it can do then.
func (c *Client) Configure(ctx context.Context, values config.Values) (About, error) {
	op := newCall(ctx, c.config.Idle)
	defer op.end()
	var a *pb.About
	err := op.stepFor(c.config.Commit, func() (err error) {
		a, err = c.base.Configure(op.ctx, &pb.ConfigureRequest{Values: values})
		return err
	})
	if err != nil {
		return About{}, op.explain(err)
	}
	return fromAbout(a)
}

// Drain makes the plugin refuse new calls and waits until the live ones have
// ended, or ctx has.
func (c *Client) Drain(ctx context.Context) error {
	op := newCall(ctx, c.config.Commit)
	defer op.end()
	err := op.step(func() error {
		_, err := c.base.Drain(op.ctx, &pb.DrainRequest{})
		return err
	})
	if err != nil {
		return fmt.Errorf("drain: %w", op.explain(err))
	}
	return nil
}

// Shutdown makes go-plugin's server in the plugin process stop. Live streams
// are cut: Drain first.
func (c *Client) Shutdown(ctx context.Context) error {
	err := c.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	if err == nil || errors.Is(fromStatus(err), ErrPluginGone) {
		return nil // it may be gone before it answers
	}
	return fmt.Errorf("shutdown: %w", fromStatus(err))
}

// CopyStdio copies what the plugin's code prints until the connection ends. go-plugin redirects the process's standard output and error into this
// stream; left unread, it would block a plugin that prints.
func (c *Client) CopyStdio(ctx context.Context, stdout, stderr io.Writer) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	desc := &grpc.StreamDesc{ServerStreams: true}
	s, err := c.conn.NewStream(ctx, desc, "/plugin.GRPCStdio/StreamStdio")
	if err != nil || s.SendMsg(&emptypb.Empty{}) != nil || s.CloseSend() != nil {
		return // a plugin without this service prints to its own stderr
	}
	for {
		var m pb.StdioData
		if s.RecvMsg(&m) != nil {
			return
		}
		w := stdout
		if m.GetChannel() != 1 {
			w = stderr
		}
		_, _ = w.Write(m.GetData()) // what is printed is not worth failing for
	}
}

// Source returns the plugin as a source.
func (c *Client) Source() source.Source {
	return &sourceClient{rpc: pb.NewSourceClient(c.conn), config: c.config}
}

// Storage returns the plugin as a storage: a storage.LocalPather exactly if
// about announces it.
func (c *Client) Storage(about About) storage.Storage {
	s := &storageClient{rpc: pb.NewStorageClient(c.conn), config: c.config}
	if about.Has(PowerLocalPath) {
		return &localStorageClient{s}
	}
	return s
}

// fromAbout checks what a plugin says of itself.
func fromAbout(a *pb.About) (About, error) {
	var c checker
	c.that(ValidName(a.GetName()), "plugin name %.40q", a.GetName())
	c.that(a.GetKind() == KindSource || a.GetKind() == KindStorage, "plugin kind %.40q", a.GetKind())
	c.that(a.GetProtocol() >= OldestProtocol && a.GetProtocol() <= ProtocolVersion, "protocol %d", a.GetProtocol())
	c.text("version", a.GetVersion(), maxName)
	c.count("settings", len(a.GetSchema()), maxSettings)
	c.texts("capabilities", a.GetCapabilities(), maxPowers, maxName)
	out := About{
		Name: a.GetName(), Kind: a.GetKind(), Version: a.GetVersion(),
		Protocol: int(a.GetProtocol()), Capabilities: a.GetCapabilities(),
	}
	seen := map[string]bool{}
	for _, f := range a.GetSchema() {
		c.that(ValidName(f.GetName()), "setting name %.40q", f.GetName())
		c.that(!seen[f.GetName()], "setting %.40q twice", f.GetName())
		c.text("setting kind", f.GetKind(), maxName)
		c.text("setting help", f.GetHelp(), maxText)
		c.text("setting default", f.GetDefault(), maxText)
		if c.err != nil {
			break
		}
		seen[f.GetName()] = true
		out.Schema = append(out.Schema, config.Field{
			Name: f.GetName(), Kind: config.Kind(f.GetKind()), Help: f.GetHelp(),
			Default: f.GetDefault(), Required: f.GetRequired(), Secret: f.GetSecret(),
		})
	}
	if c.err != nil {
		return About{}, c.err
	}
	return out, nil
}
