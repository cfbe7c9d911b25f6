package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/storage/storagetest"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair connects an offer to a client by a real gRPC pair of go-plugin's.
func pair(t testing.TB, offer wire.Offer) *wire.Client {
	t.Helper()
	set := plugin.PluginSet{"rainlogs": &wire.Plugin{Offer: &offer}}
	client, server := plugin.TestPluginGRPCConn(t, false, set)
	t.Cleanup(func() {
		server.Stop()
		_ = client.Close() // the server has gone first
	})
	raw, err := client.Dispense("rainlogs")
	if err != nil {
		t.Fatal(err)
	}
	return raw.(*wire.Client)
}

func storageOffer(s storage.Storage) wire.Offer {
	return wire.Offer{Name: "memory", Version: "1.0.0", OpenStorage: func(config.Values) (storage.Storage, error) { return s, nil }}
}

func sourceOffer(s source.Source) wire.Offer {
	return wire.Offer{Name: "records", Version: "1.0.0", OpenSource: func(config.Values) (source.Source, error) { return s, nil }}
}

func configured(t testing.TB, offer wire.Offer) (*wire.Client, wire.About) {
	t.Helper()
	c := pair(t, offer)
	about, err := c.Configure(context.Background(), config.Values{})
	if err != nil {
		t.Fatal(err)
	}
	return c, about
}

func TestStorageConformance(t *testing.T) {
	t.Parallel()
	t.Run("direct", func(t *testing.T) {
		t.Parallel()
		storagetest.Run(t, func(*testing.T) storage.Storage { return newMemory() })
	})
	t.Run("wire", func(t *testing.T) {
		t.Parallel()
		storagetest.Run(t, func(t *testing.T) storage.Storage {
			c, about := configured(t, storageOffer(newMemory()))
			return c.Storage(about)
		})
	})
}

func TestSourceRoundTrip(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	direct := &records{content: content}
	c, _ := configured(t, sourceOffer(direct))
	remote := c.Source()
	ctx := context.Background()

	wantDescription, _ := direct.Describe(ctx)
	description, err := remote.Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantDescription, description); diff != "" {
		t.Errorf("describe: %s", diff)
	}
	probed, err := remote.Probe(ctx, "zone")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report(), probed); diff != "" {
		t.Errorf("probe: %s", diff)
	}
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	stream, err := remote.Pull(ctx, source.Request{
		Zone: "z", Dataset: "http_requests", Start: start, End: start.Add(time.Hour), Fields: []string{"RayID"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Trailer(); source.ClassOf(err) != source.ClassBug {
		t.Errorf("trailer before the end: %v, want class bug", err)
	}
	have, err := io.ReadAll(stream.Body)
	if err != nil || !bytes.Equal(have, content) {
		t.Errorf("body: %d bytes, %v", len(have), err)
	}
	trailer, err := stream.Trailer()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(source.Trailer{Lines: 3600, Complete: true, RetrievedAt: modified}, trailer); diff != "" {
		t.Errorf("trailer: %s", diff)
	}
	if err := stream.Body.Close(); err != nil {
		t.Error(err)
	}
	stream.Body, stream.Trailer = nil, nil
	want := &source.Stream{
		Encoding: source.Gzip, Fields: []string{"z", "http_requests", "RayID"},
		Timestamps: source.UnixNano, FailureLines: []string{"Error streaming data."},
	}
	if diff := cmp.Diff(want, stream); diff != "" {
		t.Errorf("stream: %s", diff)
	}
}

func TestPullEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, size := range []int{32 << 20, 100} { // the short one has all come by then
		c, _ := configured(t, sourceOffer(&records{content: make([]byte, size)}))
		ctx, cancel := context.WithCancel(context.Background())
		stream, err := c.Source().Pull(ctx, source.Request{})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := io.Copy(io.Discard, stream.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("%d bytes: read: %v, want context.Canceled", size, err)
		}
		if _, err := stream.Trailer(); err == nil {
			t.Errorf("%d bytes: a cut stream has a trailer", size)
		}
	}
}

func TestSourceErrorsRoundTrip(t *testing.T) {
	t.Parallel()
	exact := []*source.Error{
		{Op: "pull", Class: source.ClassRetry, After: 17 * time.Second, Msg: "429", Hint: "slow down"},
		{Op: "pull", Class: source.ClassSplit, Msg: "timed out"},
		{Op: "probe", Class: source.ClassBlocked, Reason: source.ReasonRetentionOff, Msg: "retention is off", Hint: "switch it on"},
		{Op: "pull", Class: source.ClassGone, Reason: source.ReasonTooOld, Msg: "too early"},
		{Op: "pull", Class: source.ClassBug, Msg: "bad time range"},
	}
	for _, reason := range []string{ // the host acts on each: one that is lost on the way is a budget that never learns
		source.ReasonTooOld, source.ReasonRetentionOff, source.ReasonNotEntitled, source.ReasonBoundary, source.ReasonCredential,
		source.ReasonTimeout, source.ReasonFields, source.ReasonRate, source.ReasonRateCredential,
	} {
		exact = append(exact, &source.Error{Op: "pull", Class: source.ClassRetry, Reason: reason, Msg: "refused"})
	}
	for _, want := range exact {
		c, _ := configured(t, sourceOffer(&records{err: want}))
		_, err := c.Source().Pull(context.Background(), source.Request{})
		var have *source.Error
		if !errors.As(err, &have) {
			t.Fatalf("%v: not a *source.Error", err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s", diff)
		}
	}
	// With a cause, and wrapped once more.
	cause := fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
	wrapped := fmt.Errorf("window 7: %w", &source.Error{Op: "pull", Class: source.ClassSplit, Err: cause})
	c, _ := configured(t, sourceOffer(&records{err: wrapped}))
	_, err := c.Source().Probe(context.Background(), "z")
	if err == nil || err.Error() != wrapped.Error() {
		t.Errorf("text %q, want %q", err, wrapped)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || source.ClassOf(err) != source.ClassSplit {
		t.Errorf("%v: cause or class lost", err)
	}
}

func TestDescribeBeforeAndAfterConfigure(t *testing.T) {
	t.Parallel()
	schema := config.Schema{
		{Name: "path", Kind: config.String, Required: true, Help: "where"},
		{Name: "secret", Kind: config.String, Secret: true},
		{Name: "retries", Kind: config.Int, Default: "3"},
	}
	var got config.Values
	c := pair(t, wire.Offer{
		Name: "local", Version: "2.1.0", Schema: schema,
		OpenStorage: func(v config.Values) (storage.Storage, error) {
			got = v
			return struct {
				storage.Storage
				storage.LocalPather
			}{Storage: newMemory()}, nil
		},
	})
	ctx := context.Background()
	about, err := c.Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := wire.About{Name: "local", Kind: wire.KindStorage, Version: "2.1.0", Protocol: 1, Schema: schema}
	if diff := cmp.Diff(want, about); diff != "" {
		t.Errorf("describe: %s", diff)
	}
	if _, err := c.Storage(about).Stat(ctx, "a"); err == nil || err.Error() != "plugin is not configured" {
		t.Errorf("stat before configure: %v", err)
	}
	if _, err := c.Configure(ctx, config.Values{"path": "/x", "retries": "many"}); err == nil {
		t.Error("the plugin's end took settings that its schema refuses")
	}
	about, err = c.Configure(ctx, config.Values{"path": "/x", "secret": "s3cr3t"})
	if err != nil {
		t.Fatal(err)
	}
	if !about.Has(wire.PowerLocalPath) {
		t.Errorf("capabilities %q", about.Capabilities)
	}
	if _, ok := c.Storage(about).(storage.LocalPather); !ok {
		t.Error("announced power is not found by assertion")
	}
	if diff := cmp.Diff(map[string]string{"path": "/x", "secret": "s3cr3t", "retries": "3"}, map[string]string(got)); diff != "" {
		t.Errorf("values: %s", diff)
	}
	if _, err := c.Configure(ctx, config.Values{"path": "/y"}); err == nil {
		t.Error("configured twice")
	}
	plain, about := configured(t, storageOffer(newMemory()))
	if _, ok := plain.Storage(about).(storage.LocalPather); ok {
		t.Error("a power that is not announced is found by assertion")
	}
}

// signalling says when a Put has reached it.
type signalling struct {
	*memory
	putting chan struct{}
}

func (s *signalling) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	close(s.putting)
	return s.memory.Put(ctx, req, body)
}

func TestDrainWaitsForLiveCalls(t *testing.T) {
	t.Parallel()
	m := &signalling{memory: newMemory(), putting: make(chan struct{})}
	c, about := configured(t, storageOffer(m))
	s := c.Storage(about)
	ctx := context.Background()
	content := bytes.Repeat([]byte("x"), 1<<20)
	body, feed := io.Pipe()
	put := make(chan error, 1)
	go func() {
		_, err := s.Put(ctx, storage.PutRequest{Key: "k", Size: 1 << 20, SHA256: hexSum(content)}, body)
		put <- err
	}()
	if _, err := feed.Write(content[:1<<19]); err != nil {
		t.Fatal(err)
	}
	<-m.putting
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := c.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("drain with a live call: %v, want DeadlineExceeded", err)
	}
	if _, err := s.Stat(ctx, "k"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("new call while draining: %v, want ErrUnavailable", err)
	}
	drained := make(chan error, 1)
	go func() { drained <- c.Drain(ctx) }()
	if _, err := feed.Write(content[1<<19:]); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	if err := <-put; err != nil {
		t.Errorf("live put: %v", err)
	}
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
}

// Row "versions": go-plugin writes into the maps it is given.
func TestPluginsReturnsAFreshMap(t *testing.T) {
	t.Parallel()
	first := wire.Plugins(nil)
	first[0] = plugin.PluginSet{}
	delete(first[wire.ProtocolVersion], "rainlogs")
	second := wire.Plugins(nil)
	if len(second) != 1 || len(second[wire.ProtocolVersion]) != 1 {
		t.Errorf("a change of one map is seen in the next: %v", second)
	}
	if c := wire.ServeConfig(storageOffer(nil)); c.Plugins != nil || c.ProtocolVersion != 0 || len(c.VersionedPlugins) != 1 {
		t.Errorf("serve config sets more than VersionedPlugins: %+v", c)
	}
}
