package standard_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/s3"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// What counts is measured with
//
//	RAINLOGS_S3_MIB=1024  go test -run TestS3Throughput -v ./plugins/standard
//	RAINLOGS_S3_MIB=10240 go test -run TestS3Memory -v -timeout 1h ./plugins/standard
//
// and by default something smaller, of which nothing is demanded but memory.
const sizeEnv = "RAINLOGS_S3_MIB"

func mebibytes(t *testing.T, otherwise int64) (n int64, asked bool) {
	t.Helper()
	text := os.Getenv(sizeEnv)
	if text == "" {
		return otherwise << 20, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 20, true
}

// generated is a body of n bytes, the same each time.
func generated(n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{1}), n)
}

// largeRequest describes a generated body.
func largeRequest(t *testing.T, key string, n int64) storage.PutRequest {
	t.Helper()
	sum := sha256.New()
	if _, err := io.Copy(sum, generated(n)); err != nil {
		t.Fatal(err)
	}
	return storage.PutRequest{Key: key, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}
}

// TestS3Memory: an object of any size, in and out, through the plugin's
// process, which holds its parts and no more.
func TestS3Memory(t *testing.T) { //nolint:paralleltest // it is measured
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	size, _ := mebibytes(t, 160)
	server := s3test.Shared(t)
	values := s3Values(server, server.Bucket(t, s3test.Plain))
	delete(values, "part_size")
	delete(values, "lock")
	s := launchS3(t, newHost(t), values)
	req := largeRequest(t, "large", size)
	start := time.Now()
	if _, err := s.Put(t.Context(), req, generated(size)); err != nil {
		t.Fatal(err)
	}
	in := time.Since(start)
	start = time.Now()
	r, err := s.Get(t.Context(), "large", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r) // the plugin compares the digest at its end
	if err != nil || n != size || r.Close() != nil {
		t.Errorf("read %d bytes of %d, %v", n, size, err)
	}
	peak, _ := childrenUse(t, "plugin-serve")
	t.Logf("%d MiB: in %s, out %s, peak memory of the plugin's process %d MiB", size>>20, in.Round(time.Millisecond), time.Since(start).Round(time.Millisecond), peak>>20)
	if peak > 256<<20 {
		t.Errorf("peak memory of the plugin's process is %d MiB", peak>>20)
	}
	if err := s.Delete(t.Context(), "large"); err != nil {
		t.Error(err)
	}
}

// TestS3Throughput: the SDK's own uploader, the plugin within this process,
// and behind its boundary, one after the other and several times. The shares are medians
// of rounds, for what else the machine does changes in between. Where client
// and server have the same few processors, no share can be above that of the
// CPU time of both, which is told with it.
func TestS3Throughput(t *testing.T) { //nolint:paralleltest // it is measured
	size, asked := mebibytes(t, 64)
	rounds := 1
	if asked {
		rounds = 5
	}
	server := s3test.Shared(t)
	bucket := server.Bucket(t, s3test.Plain)
	direct, err := s3.Open(s3.Config{
		Endpoint: server.URL(), Region: s3test.Region, Bucket: bucket, PathStyle: true,
		Credentials: s3.Credentials{AccessKeyID: server.Root.ID, SecretAccessKey: server.Root.Secret},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = direct.Close() })
	values := s3Values(server, bucket)
	delete(values, "part_size")
	delete(values, "lock")
	content, err := io.ReadAll(generated(size))
	if err != nil {
		t.Fatal(err)
	}
	req := largeRequest(t, "", size)
	through := func(s storage.Storage) func(context.Context, string, io.Reader) error {
		return func(ctx context.Context, key string, body io.Reader) error {
			req := req
			req.Key = key
			_, err := s.Put(ctx, req, body)
			return err
		}
	}
	contenders := []*contender{
		{name: "sdk", put: server.Uploader(bucket, 16<<20, 4)},
		{name: "plugin, direct", put: through(direct)},
		{name: "plugin, process", put: through(launchS3(t, newHost(t), values)), prefix: "archives/one/"},
	}
	for round := range rounds {
		for i := range contenders {
			n := (i + round) % len(contenders) // nobody is always first
			key := fmt.Sprintf("%d/%d", round, n)
			contenders[n].run(t, key, content)
			if err := direct.Delete(t.Context(), contenders[n].prefix+key); err != nil { // room on the disk
				t.Fatal(err)
			}
		}
	}
	for _, c := range contenders {
		c.report(t, size)
	}
	sdk, plugin, process := contenders[0], contenders[1], contenders[2]
	t.Logf("the plugin reaches %.0f%% of the SDK's uploader (%.0f%% by CPU time), %.0f%% behind its boundary (%.0f%%)",
		100*plugin.share(sdk), 100*plugin.shareOfCPU(sdk), 100*process.share(sdk), 100*process.shareOfCPU(sdk))
	boundary := process.used.own + process.used.plugin - plugin.used.own
	t.Logf("the boundary costs %.0f ms of CPU for a GiB", perGiB(boundary, rounds, size))
	if share := plugin.share(sdk); asked && share < 0.9 {
		t.Errorf("the plugin reaches %.0f%% of the SDK's uploader", 100*share)
	}
}

// contender is a way to upload, and what it took in each round.
type contender struct {
	name   string
	put    func(ctx context.Context, key string, body io.Reader) error
	prefix string // of its keys, as others see them

	times []time.Duration
	used  usage // in all rounds
}

// usage is the CPU time of this process, of the plugins' and of the server's.
type usage struct{ own, plugin, server time.Duration }

func usageNow(t *testing.T) usage {
	t.Helper()
	_, plugin := childrenUse(t, "plugin-serve")
	_, server := childrenUse(t, "versitygw")
	return usage{own: ownCPU(t), plugin: plugin, server: server}
}

func (c *contender) run(t *testing.T, key string, content []byte) {
	t.Helper()
	before, start := usageNow(t), time.Now()
	if err := c.put(t.Context(), key, bytes.NewReader(content)); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	c.times = append(c.times, time.Since(start))
	after := usageNow(t)
	c.used.own += after.own - before.own
	c.used.plugin += after.plugin - before.plugin
	c.used.server += after.server - before.server
}

func (c *contender) report(t *testing.T, size int64) {
	t.Helper()
	times := slices.Sorted(slices.Values(c.times))
	rounds := len(times)
	t.Logf("%-16s %7.1f MiB/s, ms of CPU for a GiB: %5.0f here, %5.0f in the plugin, %5.0f in the server; %d rounds",
		c.name, float64(size>>20)/times[rounds/2].Seconds(), perGiB(c.used.own, rounds, size),
		perGiB(c.used.plugin, rounds, size), perGiB(c.used.server, rounds, size), rounds)
}

// share is the median of the rounds' shares of another's throughput.
func (c *contender) share(of *contender) float64 {
	shares := make([]float64, len(c.times))
	for i := range shares {
		shares[i] = of.times[i].Seconds() / c.times[i].Seconds()
	}
	slices.Sort(shares)
	return shares[len(shares)/2]
}

// shareOfCPU is what share is where CPU time is all that counts.
func (c *contender) shareOfCPU(of *contender) float64 {
	return of.used.sum().Seconds() / c.used.sum().Seconds()
}

func (u usage) sum() time.Duration { return u.own + u.plugin + u.server }

func perGiB(d time.Duration, rounds int, size int64) float64 {
	return float64(d.Milliseconds()) / float64(rounds) * float64(1<<30) / float64(size)
}

// childrenUse returns the peak memory and the CPU time of the processes that
// this one has started and whose command line has the word: proc(5).
func childrenUse(t *testing.T, word string) (peak int64, cpu time.Duration) {
	t.Helper()
	tasks, _ := filepath.Glob("/proc/self/task/*/children") // a pattern of ours is never malformed
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has ended
		}
		for _, pid := range strings.Fields(string(children)) {
			if line, _ := os.ReadFile("/proc/" + pid + "/cmdline"); !bytes.Contains(line, []byte(word)) {
				continue
			}
			status, _ := os.ReadFile("/proc/" + pid + "/status")
			if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
				kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				peak = max(peak, kib<<10)
			}
			cpu += cpuOf(t, "/proc/"+pid+"/stat")
		}
	}
	return peak, cpu
}

func ownCPU(t *testing.T) time.Duration {
	t.Helper()
	return cpuOf(t, "/proc/self/stat")
}

// cpuOf reads fields 14 and 15, in hundredths of a second.
func cpuOf(t *testing.T, path string) time.Duration {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
