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
	peak, _ := pluginUse(t)
	t.Logf("%d MiB: in %s, out %s, peak memory of the plugin's process %d MiB", size>>20, in.Round(time.Millisecond), time.Since(start).Round(time.Millisecond), peak>>20)
	if peak > 256<<20 {
		t.Errorf("peak memory of the plugin's process is %d MiB", peak>>20)
	}
	if err := s.Delete(t.Context(), "large"); err != nil {
		t.Error(err)
	}
}

// TestS3Throughput: the SDK's own uploader, the plugin within this process,
// and behind its boundary, one after the other and several times.
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
	process := launchS3(t, newHost(t), values)
	content, err := io.ReadAll(generated(size))
	if err != nil {
		t.Fatal(err)
	}
	req := largeRequest(t, "", size)
	upload := server.Uploader(bucket, 16<<20, 4)
	through := func(s storage.Storage) func(context.Context, string, io.Reader) error {
		return func(ctx context.Context, key string, body io.Reader) error {
			req := req
			req.Key = key
			_, err := s.Put(ctx, req, body)
			return err
		}
	}
	contenders := []struct {
		name string
		put  func(context.Context, string, io.Reader) error
	}{{"sdk", upload}, {"plugin, direct", through(direct)}, {"plugin, process", through(process)}}
	times := map[string][]time.Duration{}
	cpu := map[string]time.Duration{}
	for round := range rounds {
		for i := range contenders {
			c := contenders[(i+round)%len(contenders)] // nobody is always first
			_, before := pluginUse(t)
			ownBefore, start := ownCPU(t), time.Now()
			if err := c.put(t.Context(), fmt.Sprintf("%d/%d", round, i), bytes.NewReader(content)); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			_, after := pluginUse(t)
			times[c.name] = append(times[c.name], time.Since(start))
			cpu[c.name] += ownCPU(t) - ownBefore + after - before
			key := fmt.Sprintf("%d/%d", round, i)
			if c.name == "plugin, process" {
				key = "archives/one/" + key
			}
			if err := direct.Delete(t.Context(), key); err != nil { // room on the disk
				t.Fatal(err)
			}
		}
	}
	rate := map[string]float64{}
	for _, c := range contenders {
		slices.Sort(times[c.name])
		median := times[c.name][len(times[c.name])/2]
		rate[c.name] = float64(size>>20) / median.Seconds()
		t.Logf("%-16s %7.1f MiB/s, %6.0f ms of CPU for a GiB, %d rounds", c.name, rate[c.name],
			float64(cpu[c.name].Milliseconds())/float64(rounds)*float64(1<<30)/float64(size), rounds)
	}
	share := rate["plugin, direct"] / rate["sdk"]
	t.Logf("the plugin reaches %.0f%% of the SDK's uploader, %.0f%% behind its boundary", 100*share, 100*rate["plugin, process"]/rate["sdk"])
	if asked && share < 0.9 {
		t.Errorf("the plugin reaches %.0f%% of the SDK's uploader", 100*share)
	}
}

// pluginUse returns the peak memory and the CPU time of the plugin processes
// that this one has started: proc(5).
func pluginUse(t *testing.T) (peak int64, cpu time.Duration) {
	t.Helper()
	tasks, _ := filepath.Glob("/proc/self/task/*/children") // a pattern of ours is never malformed
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has ended
		}
		for _, pid := range strings.Fields(string(children)) {
			if line, _ := os.ReadFile("/proc/" + pid + "/cmdline"); !bytes.Contains(line, []byte("plugin-serve")) {
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
