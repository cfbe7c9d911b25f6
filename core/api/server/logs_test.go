package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// addLog gives acme a zone of its own with sealed windows of these contents, in
// frames of 1 MiB that are cut wherever that is.
func (b *bundle) addLog(n byte, contents ...[]byte) (zone string, rows []catalog.Window) {
	b.Helper()
	c := b.archive.Chain(n, b.key)
	for i, content := range contents {
		w := verifytest.Window(i)
		e, object := c.LogEntry(w, content, 1)
		if e.Object != nil {
			if len(content) > 1<<20 {
				object = packAs(b, content)
				e.Object.Bytes, e.Object.SHA256 = int64(len(object)), sha256.Sum256(object)
			}
			b.archive.Files[e.Object.Key] = object
		}
		c.Add(e)
		rows = append(rows, catalog.Window{
			Chain: c.ID, Window: w, State: catalog.Sealed, Seq: e.Seq, Lines: e.Content.Lines, Bytes: e.Content.Bytes, Object: catalog.Kept,
		})
	}
	c.Seal()
	b.ok(b.catalog.OwnZone(b.Context(), c.ID.Zone, acme))
	b.ok(b.catalog.PutZone(b.Context(), catalog.Zone{ID: c.ID.Zone, Dataset: c.ID.Dataset, Name: fmt.Sprintf("log%d.eu", n), AddedAt: b.now()}))
	b.ok(b.catalog.Commit(b.Context(), catalog.Commit{Head: catalog.Head{Chain: c.ID, Size: int64(len(c.Entries)), Checkpoint: []byte("note")}, Windows: rows}))
	return c.ID.Zone, rows
}

func logsPath(zone string, from, to time.Time, where ...string) string {
	q := url.Values{"from": {from.Format(time.RFC3339Nano)}, "to": {to.Format(time.RFC3339Nano)}, "where": where}
	return "/v1/zones/" + zone + "/logs?" + q.Encode()
}

// chosen are the lines that a plain reading of them chooses.
func chosen(t *testing.T, content []byte, from, to time.Time, want func(map[string]any) bool) []byte {
	t.Helper()
	var out []byte
	for line := range bytes.Lines(content) {
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.UseNumber()
		var record map[string]any
		if err := dec.Decode(&record); err != nil {
			t.Fatal(err)
		}
		at, err := record["EdgeStartTimestamp"].(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		if at >= from.UnixNano() && at < to.UnixNano() && want(record) {
			out = append(out, line...)
		}
	}
	return out
}

func TestLogs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	all := slicesOf(verifytest.Lines(verifytest.Window(0), manyLines), verifytest.Lines(verifytest.Window(1), fewLines))
	second := verifytest.Window(1).Start
	for _, c := range []struct {
		name     string
		from, to time.Time
		where    []string
		want     func(r map[string]any) bool
		objects  int
	}{
		{name: "all", from: verifytest.Epoch.Add(-time.Hour), to: second.Add(time.Second), objects: 2},
		{name: "the first window's last instant", from: verifytest.Epoch, to: verifytest.Epoch.Add(time.Nanosecond), objects: 1},
		{name: "less than it", from: verifytest.Epoch.Add(time.Nanosecond), to: second.Add(-time.Minute)},
		{name: "some", from: verifytest.Epoch.Add(-time.Second), to: verifytest.Epoch.Add(-10 * time.Millisecond), objects: 1},
		{name: "by status", from: verifytest.Epoch.Add(-time.Hour), to: second.Add(time.Second), where: []string{"EdgeResponseStatus>=400", "ClientIP in 192.0.2.0/25"},
			want: func(r map[string]any) bool {
				n, _ := strconv.Atoi(strings.TrimPrefix(r["ClientIP"].(string), "192.0.2."))
				return (r["EdgeResponseStatus"] == json.Number("404") || r["EdgeResponseStatus"] == json.Number("500")) && n < 128
			}, objects: 2},
		{name: "none", from: verifytest.Epoch.Add(-time.Hour), to: second.Add(time.Second), where: []string{"ClientIP=10.0.0.1"}, want: func(map[string]any) bool { return false }, objects: 2},
	} {
		if c.want == nil {
			c.want = func(map[string]any) bool { return true }
		}
		want := chosen(t, all, c.from, c.to, c.want)
		for _, coding := range []string{"identity", "gzip", "zstd"} {
			w, _ := b.call("GET", logsPath(b.zones[acme], c.from, c.to, c.where...), b.keys[acme][tenant.AnalystRole], "", "Accept-Encoding", coding)
			res := w.Result()
			if res.StatusCode != 200 || coding != "identity" && res.Header.Get("Content-Encoding") != coding {
				t.Fatalf("%s, %s: status %d, headers %v", c.name, coding, res.StatusCode, res.Header)
			}
			if got := unpack(t, coding, w.Body.Bytes()); !bytes.Equal(got, want) {
				t.Errorf("%s, %s: %d bytes, want %d", c.name, coding, len(got), len(want))
			}
			for name, want := range map[string]string{tailObjects: strconv.Itoa(c.objects), tailLines: strconv.Itoa(bytes.Count(want, []byte("\n")))} {
				if got := res.Trailer.Get(name); got != want {
					t.Errorf("%s, %s: %s is %q, want %q", c.name, coding, name, got, want)
				}
			}
		}
	}
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// What an answer stands on is told.
func TestLogsTellWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := func(minutes int) time.Time { return verifytest.Epoch.Add(time.Duration(minutes) * time.Minute) }
	span := func(state string, from, to int) string {
		return state + " " + at(from).Format(time.RFC3339) + "/" + at(to).Format(time.RFC3339)
	}
	zone, rows := b.addLog(7, verifytest.Lines(verifytest.Window(0), 3), nil, verifytest.Lines(verifytest.Window(2), 3), verifytest.Lines(verifytest.Window(3), 3))
	key := b.keys[acme][tenant.AnalystRole]
	ask := func(from, to time.Time) (missing, windows, complete string) {
		w, _ := b.call("GET", logsPath(zone, from, to), key, "")
		res := w.Result()
		return res.Header.Get(headIncomplete), res.Header.Get(headWindows), res.Trailer.Get(tailComplete)
	}
	check := func(name string, from, to time.Time, missing, windows, complete string) {
		t.Helper()
		gotMissing, gotWindows, gotComplete := ask(from, to)
		if diff := cmp.Diff([]string{missing, windows, complete}, []string{gotMissing, gotWindows, gotComplete}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	check("all is there", at(0), at(5), "", "4", "true")
	check("before and behind", at(-5), at(20), span("missing", -5, 0)+", "+span("missing", 20, 35), "4", "false")
	b.ok(b.catalog.Commit(t.Context(), catalog.Commit{Head: catalog.Head{Chain: rows[0].Chain, Size: 5}, Expired: []int64{rows[2].Seq}}))
	check("expired", at(0), at(5), span("expired", 10, 15), "3", "false")
	// The source did not claim to have given all of a window.
	zone, _ = b.addLog(8, verifytest.Lines(verifytest.Window(0), 3))
	if _, _, complete := ask(at(0), at(0).Add(time.Second)); complete != "false" {
		t.Error("15 minutes later are not there, and it is complete")
	}
}

// Lines that are longer than a chunk, than a frame, without a time and without
// an end come as they are.
func TestLogsOfOddLines(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := func(ms int, pad int) string {
		return fmt.Sprintf(`{"EdgeStartTimestamp":%d,"Pad":"%s"}`, verifytest.Epoch.Add(time.Duration(ms)*time.Millisecond).UnixNano(), strings.Repeat("x", pad))
	}
	lines := []string{record(0, 10), record(1, chunk), record(2, 3<<20), `{"no":"time"}`, "", "no JSON", record(3, chunk-60), record(4, 1<<20), record(5, 0), record(6, 2<<20)}
	zone, _ := b.addLog(7, []byte(strings.Join(lines, "\n")), []byte(record(7, 1)+"\n"))
	get := func(from, to time.Duration, where ...string) string {
		t.Helper()
		return b.want(200, "", "GET", logsPath(zone, verifytest.Epoch.Add(from), verifytest.Epoch.Add(to), where...), b.keys[acme][tenant.AnalystRole], "")
	}
	want := strings.Join(append(lines, record(7, 1)), "\n") + "\n"
	if got := get(0, 10*time.Second); got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
	if got, want := get(2*time.Millisecond, 4*time.Millisecond), strings.Join(lines[2:7], "\n")+"\n"; got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
	if got, want := get(0, time.Minute, "EdgeStartTimestamp absent"), strings.Join(lines[3:6], "\n")+"\n"; got != want {
		t.Errorf("%.200q, want %q", got, want)
	}
	// Those without a time are those of the window, not of all times.
	if got := get(-time.Minute, 0); got != "" {
		t.Errorf("%.200q in a minute without records", got)
	}
}

func TestLogsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.keys[acme][tenant.AnalystRole]
	at := verifytest.Epoch
	for name, path := range map[string]string{
		"no operator":   logsPath(b.zones[acme], at, at.Add(time.Hour), "EdgeResponseStatus"),
		"no expression": logsPath(b.zones[acme], at, at.Add(time.Hour), "ClientIP=1", "ClientIP~("),
		"a great one":   logsPath(b.zones[acme], at, at.Add(time.Hour), `ClientIP~(\pL{100}){10}(\pL{100}){10}(\pL{100}){10}`),
		"too long":      logsPath(b.zones[acme], at, at.Add(time.Hour), "ClientIP="+strings.Repeat("1", 500)),
		"too many":      logsPath(b.zones[acme], at, at.Add(time.Hour), strings.Split(strings.Repeat("a=1 ", 9), " ")[:9]...),
		"too far":       logsPath(b.zones[acme], at, at.Add(32*24*time.Hour)),
		"backwards":     logsPath(b.zones[acme], at, at),
		"far future":    logsPath(b.zones[acme], at.AddDate(300, 0, 0), at.AddDate(300, 0, 1)),
	} {
		w, got := b.call("GET", path, key, "")
		b.problem(w, got, 422, api.CodeInvalid)
		if strings.Contains(got, "pL") {
			t.Errorf("%s: what was sent is repeated: %s", name, got)
		}
	}
	b.want(406, api.CodeNotAcceptable, "GET", logsPath(b.zones[acme], at, at.Add(time.Hour)), key, "", "Accept-Encoding", "identity;q=0")
	for range unpacked / 2 {
		b.server.unpacking.take(acme)
	}
	b.want(429, api.CodeRateLimited, "GET", logsPath(b.zones[acme], at, at.Add(time.Hour)), key, "")
}

// Of damaged objects no client gets an answer that ends well: it is a problem
// while nothing was sent, and a connection that is cut off from then on.
func TestDamagedLogs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(b *bundle, rows []catalog.Window, keys []string)
		cut   bool
	}{
		"the first byte": {func(b *bundle, _ []catalog.Window, keys []string) { b.archive.Files[keys[0]][0] ^= 1 }, false},
		"the last object": {func(b *bundle, _ []catalog.Window, keys []string) {
			last := b.archive.Files[keys[1]]
			last[len(last)-1] ^= 1
		}, true},
		"a missing one": {func(b *bundle, _ []catalog.Window, keys []string) { delete(b.archive.Files, keys[1]) }, true},
		"the only one":  {func(b *bundle, _ []catalog.Window, keys []string) { delete(b.archive.Files, keys[0]) }, false},
		"another's line": {func(b *bundle, rows []catalog.Window, keys []string) {
			b.archive.Files[keys[1]] = verifytest.Pack(verifytest.Lines(rows[1].Window, 2*manyLines-1), 400)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			zone, rows := b.addLog(7, verifytest.Lines(verifytest.Window(0), 2*manyLines), verifytest.Lines(verifytest.Window(1), 2*manyLines))
			var keys []string
			for _, key := range b.archive.Keys("") {
				if strings.Contains(key, zone) && strings.HasSuffix(key, ".zst") {
					keys = append(keys, key)
				}
			}
			c.spoil(b, rows, keys)
			server := httptest.NewUnstartedServer(nil)
			server.Config = b.server.HTTP()
			server.Start()
			defer server.Close()
			defer server.Client().CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+logsPath(zone, verifytest.Epoch.Add(-time.Hour), verifytest.Epoch.Add(time.Hour)), nil)
			b.ok(err)
			req.Header.Set("Authorization", "Bearer "+b.keys[acme][tenant.AnalystRole])
			req.Header.Set("Accept-Encoding", "identity")
			res, err := server.Client().Do(req)
			b.ok(err)
			defer res.Body.Close()
			got, err := io.ReadAll(res.Body)
			if c.cut {
				if err == nil || res.StatusCode != 200 {
					t.Errorf("the client takes %d bytes for whole, status %d", len(got), res.StatusCode)
				}
				return
			}
			if p := decode[api.Problem](b, string(got)); err != nil || res.StatusCode != 502 || p.Code != api.CodeDamaged {
				t.Errorf("status %d, %v: %s", res.StatusCode, err, got)
			}
		})
	}
}

// An answer that finds nothing for longer than an answer may take ends well.
func TestLogsThatFindNothingForLong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := httptest.NewUnstartedServer(nil)
	server.Config = b.server.HTTP()
	server.Config.WriteTimeout = 50 * time.Millisecond
	server.Start()
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	b.archive.Opened = func(key string) error {
		if strings.HasSuffix(key, ".zst") {
			<-time.NewTimer(2 * server.Config.WriteTimeout).C
		}
		return nil
	}
	path := logsPath(b.zones[acme], verifytest.Epoch.Add(-time.Hour), verifytest.Epoch.Add(time.Hour), "ClientIP=10.0.0.1")
	req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+path, nil)
	b.ok(err)
	req.Header.Set("Authorization", "Bearer "+b.keys[acme][tenant.AnalystRole])
	res, err := server.Client().Do(req)
	b.ok(err)
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || len(got) > 0 || res.Trailer.Get(tailLines) != "0" {
		t.Errorf("%d bytes, %v, trailers %v", len(got), err, res.Trailer)
	}
}
