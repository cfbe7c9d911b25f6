package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

func TestNegotiate(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"": "identity", "identity": "identity", "gzip": "gzip", "zstd": "zstd", "gzip, zstd": "zstd", "gzip, deflate, br, zstd": "zstd", "br": "identity",
		"GZIP": "gzip", "gzip;q=0.5, zstd;q=0.2": "gzip", "zstd;q=0": "identity", "*": "zstd", "*;q=0": "", "identity;q=0": "", "identity;q=0, gzip": "gzip",
		"*;q=0, identity": "identity", "gzip;q=0, *": "zstd", "gzip;q=x": "identity", "gzip;q=NaN": "identity", ",,;q=1,": "identity", "gzip;q=0.001": "gzip",
	} {
		if got := negotiate(accept); got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
}

func unpack(t *testing.T, coding string, b []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(b)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		var dec *zstd.Decoder
		dec, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err == nil {
			defer dec.Close()
		}
		r = dec
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDownload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	records := verifytest.Lines(verifytest.Window(0), manyLines)
	if len(records) < 3*chunk {
		t.Fatalf("%d bytes are too few to be told from a chunk", len(records))
	}
	for _, coding := range []string{"identity", "gzip", "zstd"} {
		w, _ := b.call("GET", "/v1/jobs/"+b.jobs[acme]+"/download", b.keys[acme][tenant.AnalystRole], "", "Accept-Encoding", coding)
		sent := w.Body.Bytes()
		if got := unpack(t, coding, sent); w.Code != 200 || !bytes.Equal(got, records) {
			t.Errorf("%s: status %d, %d bytes of %d", coding, w.Code, len(got), len(records))
		}
		sum := sha256.Sum256(sent)
		if coding != "gzip" {
			digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
			if w.Header().Get("Repr-Digest") != digest {
				t.Errorf("%s: digest is %q, want %q", coding, w.Header().Get("Repr-Digest"), digest)
			}
		}
		if got := w.Header().Get("X-Content-Sha256"); got != evidence.Digest(sha256.Sum256(records)).String() {
			t.Errorf("%s: digest of the records is %q", coding, got)
		}
		if w.Header().Get("Content-Type") != ndjson || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: headers are %v", coding, w.Header())
		}
	}
	b.want(406, api.CodeNotAcceptable, "GET", "/v1/jobs/"+b.jobs[acme]+"/download", b.keys[acme][tenant.AnalystRole], "", "Accept-Encoding", "identity;q=0")
}

// Of bytes that are not the sealed ones, no client gets a body that ends well.
func TestDamagedDownload(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(b *bundle, key string){
		"a byte": func(b *bundle, key string) { b.archive.Files[key][len(b.archive.Files[key])/2] ^= 1 },
		"cut":    func(b *bundle, key string) { b.archive.Files[key] = b.archive.Files[key][:len(b.archive.Files[key])-1] },
		"longer": func(b *bundle, key string) { b.archive.Files[key] = append(b.archive.Files[key], 0) },
		"last frame": func(b *bundle, key string) {
			b.archive.Files[key] = verifytest.Pack(verifytest.Lines(verifytest.Window(0), manyLines+1), 400)
		},
		"same size": func(b *bundle, key string) {
			other := bytes.Replace(verifytest.Lines(verifytest.Window(0), manyLines), []byte("192.0.2.1\""), []byte("192.0.2.9\""), 1)
			b.archive.Files[key] = verifytest.Pack(other, 400)
		},
		"no zstd": func(b *bundle, key string) {
			b.archive.Files[key] = bytes.Repeat([]byte("x"), len(b.archive.Files[key]))
		},
	} {
		for _, coding := range []string{"identity", "gzip", "zstd"} {
			t.Run(name+"/"+coding, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				server := httptest.NewUnstartedServer(nil)
				server.Config = b.server.HTTP()
				server.Start()
				defer server.Close()
				for key := range b.archive.Files {
					if strings.Contains(key, b.zones[acme]) && strings.HasSuffix(key, ".zst") {
						spoil(b, key)
					}
				}
				req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/v1/jobs/"+b.jobs[acme]+"/download", nil)
				b.ok(err)
				req.Header.Set("Authorization", "Bearer "+b.keys[acme][tenant.AnalystRole])
				req.Header.Set("Accept-Encoding", coding)
				client := server.Client()
				res, err := client.Do(req)
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
				if err == nil && res.StatusCode != http.StatusBadGateway { // known before the first byte
					t.Errorf("the client takes it for whole: status %d", res.StatusCode)
				}
				if !strings.Contains(b.log.String(), "download is not whole") {
					t.Error("nothing is logged")
				}
				client.CloseIdleConnections()
			})
		}
	}
}

func TestNotToBeDownloaded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.keys[acme][tenant.AnalystRole]
	chain := evidence.ChainID{Zone: b.zones[acme], Dataset: "http_requests"}
	planned := jobID(catalog.Window{Chain: chain, Window: verifytest.Window(2)})
	b.want(409, api.CodeNotSealed, "GET", "/v1/jobs/"+planned+"/download", key, "")
	// Gone by the policy.
	b.ok(b.catalog.Commit(t.Context(), catalog.Commit{Head: catalog.Head{Chain: chain, Size: 3}, Expired: []int64{1}}))
	b.ok(b.catalog.SetRemoved(t.Context(), chain, 1))
	b.want(410, api.CodeExpired, "GET", "/v1/jobs/"+b.jobs[acme]+"/download", key, "")
	// Missing, an entry that was not signed, a store that is away.
	second := jobID(catalog.Window{Chain: chain, Window: verifytest.Window(1)})
	before := b.archive.Files
	b.archive.Files = map[string][]byte{}
	for k, v := range before {
		if !strings.HasSuffix(k, ".zst") {
			b.archive.Files[k] = bytes.Clone(v)
		}
	}
	b.want(502, api.CodeDamaged, "GET", "/v1/jobs/"+second+"/download", key, "")
	for k, v := range b.archive.Files {
		if strings.Contains(k, "entries") {
			v[len(v)-2] ^= 1
		}
	}
	b.want(502, api.CodeDamaged, "GET", "/v1/jobs/"+second+"/download", key, "")
	b.archive.Opened = func(string) error { return errors.New("disk on fire") }
	b.want(500, api.CodeInternal, "GET", "/v1/jobs/"+second+"/download", key, "")
}

// What is under way when the daemon ends may go on for its time, and is cut off then.
func TestDetachWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reading, goOn := make(chan struct{}), make(chan struct{})
	b.archive.Opened = func(key string) error {
		if strings.HasSuffix(key, ".zst") {
			close(reading)
			<-goOn
		}
		return nil
	}
	status := make(chan int)
	go func() {
		w, _ := b.call("GET", "/v1/jobs/"+b.jobs[acme]+"/download", b.keys[acme][tenant.AnalystRole], "")
		status <- w.Code
	}()
	<-reading
	detached := make(chan struct{})
	go func() { defer close(detached); b.detach(time.Minute) }()
	for { // until it refuses
		if w, _ := b.call("GET", "/v1/me", b.keys[acme][tenant.Admin], ""); w.Code == 503 {
			break
		}
	}
	select {
	case <-detached:
		t.Error("a request under way was not waited for")
	default:
	}
	close(goOn)
	if got := <-status; got != 200 {
		t.Errorf("status %d", got)
	}
	<-detached
}

func TestJobsArePaged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.keys[acme][tenant.AuditorRole]
	var got []string
	path := "/v1/zones/" + b.zones[acme] + "/jobs?limit=2"
	for next := ""; ; {
		page := decode[api.Jobs](b, b.want(200, "", "GET", path+next, key, ""))
		for _, j := range page.Jobs {
			got = append(got, j.State+" "+j.From.Format("15:04"))
		}
		if page.Next == "" {
			break
		}
		next = "&cursor=" + page.Next
	}
	if want := "planned 00:10,sealed 00:05,sealed 00:00"; strings.Join(got, ",") != want {
		t.Errorf("jobs are %v, want %s", got, want)
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := "/v1/zones/" + b.zones[acme] + "/coverage?from=2026-11-22T23:59:00Z&to=2026-11-23T00:20:00Z"
	c := decode[api.Coverage](b, b.want(200, "", "GET", path, b.keys[acme][tenant.AuditorRole], ""))
	var got []string
	for _, s := range c.Spans {
		got = append(got, s.From.Format("15:04")+"-"+s.To.Format("15:04")+" "+s.State)
	}
	if want := "23:59-00:00 missing,00:00-00:10 sealed,00:10-00:15 planned,00:15-00:20 missing"; strings.Join(got, ",") != want {
		t.Errorf("spans are %v, want %s", got, want)
	}
	if c.Complete || c.SealedSeconds != 600 || c.TotalSeconds != 21*60 || c.Spans[1].Windows != 2 || c.Spans[1].Lines != manyLines+fewLines {
		t.Errorf("coverage is %+v", c)
	}
	path = "/v1/zones/" + b.zones[acme] + "/coverage?from=2026-11-23T00:01:00Z&to=2026-11-23T00:09:00Z"
	if c = decode[api.Coverage](b, b.want(200, "", "GET", path, b.keys[acme][tenant.AuditorRole], "")); !c.Complete {
		t.Errorf("coverage of a sealed range is %+v", c)
	}
}

// What is unpacked is bounded, and what is sent as it is stored is not.
func TestUnpackingIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path, key := "/v1/jobs/"+b.jobs[acme]+"/download", b.keys[acme][tenant.AnalystRole]
	var give func()
	for range unpacked / 2 {
		give = b.server.unpacking.take(acme)
	}
	b.want(429, api.CodeRateLimited, "GET", path, key, "")
	b.want(200, "", "GET", path, key, "", "Accept-Encoding", "zstd")
	give()
	for range 3 { // each gives its own back
		b.want(200, "", "GET", path, key, "")
	}
	b.archive.Opened = func(string) error { return errors.New("disk on fire") }
	for range 3 {
		b.want(500, api.CodeInternal, "GET", path, key, "")
	}
	b.archive.Opened = nil
	b.want(200, "", "GET", path, key, "")
	if b.server.unpacking.n != unpacked/2-1 {
		t.Errorf("%d slots are taken, want %d", b.server.unpacking.n, unpacked/2-1)
	}
}
