package server

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

func TestSectionOf(t *testing.T) {
	t.Parallel()
	const tag = `"sha256-00"`
	for _, c := range []struct {
		header, ifRange string
		want            section
		part            bool
		err             error
	}{
		{"", "", section{0, 100}, false, nil},
		{"bytes=0-", "", section{0, 100}, true, nil},
		{"bytes=0-0", "", section{0, 1}, true, nil},
		{"Bytes = 10-19 ", "", section{10, 10}, true, nil},
		{"bytes=90-1000", "", section{90, 10}, true, nil},
		{"bytes=99-99999999999999999999999", "", section{99, 1}, true, nil},
		{"bytes=-10", "", section{90, 10}, true, nil},
		{"bytes=-1000", "", section{0, 100}, true, nil},
		{"bytes=100-", "", section{}, false, errRange},
		{"bytes=99999999999999999999999-", "", section{}, false, errRange},
		{"bytes=-0", "", section{}, false, errRange},
		{"bytes=10-9", "", section{0, 100}, false, nil},
		{"bytes=-", "", section{0, 100}, false, nil},
		{"bytes=", "", section{0, 100}, false, nil},
		{"bytes=1", "", section{0, 100}, false, nil},
		{"bytes=--1", "", section{0, 100}, false, nil},
		{"bytes=+1-2", "", section{0, 100}, false, nil},
		{"bytes=0-1,5-6", "", section{0, 100}, false, nil},
		{"lines=0-1", "", section{0, 100}, false, nil},
		{"bytes=10-19", tag, section{10, 10}, true, nil},
		{"bytes=10-19", `"sha256-01"`, section{0, 100}, false, nil},
		{"bytes=100-", `"sha256-01"`, section{0, 100}, false, nil},
		{"bytes=10-19", "W/" + tag, section{0, 100}, false, nil}, // RFC 9110, 13.1.5: a weak one never matches
		{"bytes=10-19", "Mon, 23 Nov 2026 00:00:00 GMT", section{0, 100}, false, nil},
	} {
		got, part, err := sectionOf(c.header, c.ifRange, tag, 100)
		if got != c.want || part != c.part || !errors.Is(err, c.err) {
			t.Errorf("%q with %q: %+v, %v, %v", c.header, c.ifRange, got, part, err)
		}
	}
}

// The parts of a download are those of the whole, in each coding that has parts.
func TestRangedDownload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path, key := "/v1/jobs/"+b.jobs[acme]+"/download", b.keys[acme][tenant.AnalystRole]
	for _, coding := range []string{"identity", "zstd"} {
		w, _ := b.call("GET", path, key, "", "Accept-Encoding", coding)
		whole, tag := w.Body.Bytes(), w.Header().Get("ETag")
		if tag != fmt.Sprintf(`"sha256-%x"`, sha256.Sum256(whole)) || w.Header().Get("Accept-Ranges") != "bytes" {
			t.Errorf("%s: headers are %v", coding, w.Header())
		}
		n := len(whole)
		for _, r := range [][2]int{{0, n}, {0, 1}, {n - 1, n}, {1, n}, {0, n - 1}, {100, 200}, {chunk - 1, chunk + 1}, {chunk, min(n, 2*chunk)}, {n / 2, n/2 + 1}} {
			if r[0] >= n || r[1] > n {
				continue // the stored bytes are few
			}
			p, _ := b.call("GET", path, key, "", "Accept-Encoding", coding, "Range", fmt.Sprintf("bytes=%d-%d", r[0], r[1]-1), "If-Range", tag)
			if p.Code != 206 || !bytes.Equal(p.Body.Bytes(), whole[r[0]:r[1]]) {
				t.Errorf("%s %v: status %d, %d bytes", coding, r, p.Code, p.Body.Len())
			}
			if got, want := p.Header().Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", r[0], r[1]-1, n); got != want {
				t.Errorf("%s %v: Content-Range is %q, want %q", coding, r, got, want)
			}
			for _, name := range []string{"ETag", "Repr-Digest", "X-Content-Sha256", "Content-Encoding"} {
				if p.Header().Get(name) != w.Header().Get(name) {
					t.Errorf("%s %v: %s is %q, of the whole %q", coding, r, name, p.Header().Get(name), w.Header().Get(name))
				}
			}
		}
		p, got := b.call("GET", path, key, "", "Accept-Encoding", coding, "Range", fmt.Sprintf("bytes=%d-", n))
		b.problem(p, got, 416, api.CodeRange)
		if got := p.Header().Get("Content-Range"); got != fmt.Sprintf("bytes */%d", n) {
			t.Errorf("%s: Content-Range is %q", coding, got)
		}
		if p, _ = b.call("GET", path, key, "", "Accept-Encoding", coding, "Range", "bytes=5-", "If-Range", `"sha256-other"`); p.Code != 200 || p.Body.Len() != n {
			t.Errorf("%s: status %d and %d bytes for a part of something else", coding, p.Code, p.Body.Len())
		}
	}
	w, _ := b.call("GET", path, key, "", "Accept-Encoding", "gzip", "Range", "bytes=5-")
	if w.Code != 200 || w.Header().Get("Accept-Ranges") != "none" || w.Header().Get("ETag") != "" {
		t.Errorf("gzip has parts: status %d, headers %v", w.Code, w.Header())
	}
}

// A part ends well only where the whole is what was sealed, also where the damage
// is in another part.
func TestDamagedRange(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"identity", "zstd"} {
		b := setup(t)
		for key, object := range b.archive.Files {
			if strings.Contains(key, b.zones[acme]) && strings.HasSuffix(key, ".zst") {
				object[len(object)-1] ^= 1
			}
		}
		b.want(502, api.CodeDamaged, "GET", "/v1/jobs/"+b.jobs[acme]+"/download", b.keys[acme][tenant.AnalystRole], "", "Accept-Encoding", coding, "Range", "bytes=0-9")
	}
}

// A download that was broken off and is resumed by curl ends with the sealed bytes.
func TestResumedByCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl")
	}
	b := setup(t)
	server := httptest.NewUnstartedServer(nil)
	server.Config = b.server.HTTP()
	server.Start()
	defer server.Close()
	records := verifytest.Lines(verifytest.Window(0), manyLines)
	path := "/v1/jobs/" + b.jobs[acme] + "/download"
	w, _ := b.call("GET", path, b.keys[acme][tenant.AnalystRole], "", "Accept-Encoding", "zstd")
	for coding, sealed := range map[string][]byte{"identity": records, "zstd": w.Body.Bytes()} {
		file := filepath.Join(t.TempDir(), "part")
		for _, have := range []int{1, len(sealed) / 3, len(sealed) - 1, len(sealed)} {
			b.ok(os.WriteFile(file, sealed[:have], 0o600))
			cmd := exec.CommandContext(t.Context(), curl, "--silent", "--show-error", "--fail", "-C", "-", "-o", file, "-w", "%{http_code}",
				"-H", "Authorization: Bearer "+b.keys[acme][tenant.AnalystRole], "-H", "Accept-Encoding: "+coding, server.URL+path)
			out, err := cmd.CombinedOutput()
			if want := map[bool]string{true: "416", false: "206"}[have == len(sealed)]; !strings.HasSuffix(string(out), want) || err != nil && want == "206" {
				t.Errorf("%s from %d: %v: %s, want %s", coding, have, err, out, want)
			}
			got, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(got, sealed) {
				t.Errorf("%s from %d: %v: %d bytes, sealed were %d", coding, have, err, len(got), len(sealed))
			}
		}
	}
}
