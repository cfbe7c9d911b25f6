package server

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"testing"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// TestDownloadMemory holds many downloads of a large object open at once, each
// of a client that has read its beginning and then dawdles.
func TestDownloadMemory(t *testing.T) { //nolint:paralleltest // it measures
	if os.Getenv("RAINLOGS_DOWNLOADS") == "" {
		t.Skip("RAINLOGS_DOWNLOADS is not set")
	}
	b := setup(t)
	c := b.archive.Chain(9, b.key)
	w := verifytest.Window(0)
	var content bytes.Buffer
	for i := 0; content.Len() < 64<<20; i++ {
		fmt.Fprintf(&content, "{\"ClientIP\":\"192.0.2.%d\",\"RayID\":\"%016x\",\"EdgeStartTimestamp\":%d,\"EdgeResponseStatus\":200}\n", i%250, uint64(i)*0x9e3779b97f4a7c15, w.Start.UnixNano()+int64(i))
	}
	e, _ := c.LogEntry(w, []byte("x\n"), 1)
	object := packAs(t, content.Bytes())
	e.Content.Bytes, e.Content.SHA256 = int64(content.Len()), sha256.Sum256(content.Bytes())
	e.Object.Bytes, e.Object.SHA256 = int64(len(object)), sha256.Sum256(object)
	c.Add(e)
	c.Seal()
	b.archive.Files[e.Object.Key] = object
	b.ok(b.catalog.OwnZone(t.Context(), c.ID.Zone, acme))
	b.ok(b.catalog.PutZone(t.Context(), catalog.Zone{ID: c.ID.Zone, Dataset: c.ID.Dataset, Name: "big.eu", AddedAt: b.now()}))
	row := catalog.Window{Chain: c.ID, Window: w, State: catalog.Sealed, Seq: e.Seq, Lines: 1, Bytes: e.Content.Bytes}
	b.ok(b.catalog.Commit(t.Context(), catalog.Commit{Head: catalog.Head{Chain: c.ID, Size: 2, Checkpoint: []byte("note")}, Windows: []catalog.Window{row}}))
	size := content.Len()
	content = bytes.Buffer{}
	server := httptest.NewUnstartedServer(nil)
	server.Config = b.server.HTTP()
	server.Start()
	defer server.Close()
	b.want(200, "", "GET", "/v1/me", b.keys[acme][tenant.AnalystRole], "") // or the key is limited by address
	for _, coding := range []string{"identity", "zstd", "gzip"} {
		before := heap()
		const n = 200
		var bodies [n]io.ReadCloser
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				req, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/v1/jobs/"+jobID(row)+"/download", nil)
				req.Header.Set("Authorization", "Bearer "+b.keys[acme][tenant.AnalystRole])
				req.Header.Set("Accept-Encoding", coding)
				res, err := server.Client().Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				bodies[i] = res.Body
				if got, err := io.CopyN(io.Discard, res.Body, 100<<10); err != nil {
					t.Errorf("status %d: %d bytes: %v", res.StatusCode, got, err)
				}
			})
		}
		wg.Wait()
		t.Logf("%s: %d downloads of %d MiB at once take %d MiB", coding, n, size>>20, (int64(heap())-int64(before))>>20)
		for _, body := range bodies {
			_ = body.Close()
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func packAs(t testing.TB, content []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := seekable.NewWriter(&out, enc)
	if err != nil {
		t.Fatal(err)
	}
	for len(content) > 0 {
		n := min(len(content), 1<<20)
		if _, err := w.Write(content[:n]); err != nil {
			t.Fatal(err)
		}
		content = content[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
