package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// end is where the archive's time ends.
var end = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

// site is an archive in a folder, with what the program needs to find it.
type site struct{ dir string }

func (s site) config() string { return filepath.Join(s.dir, "rainlogs.yaml") }
func (s site) env() []string {
	env := append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor", "RAINLOGS_CONFIG="+s.config())
	for _, kind := range []string{"STATE", "DATA", "CONFIG", "CACHE"} {
		env = append(env, "XDG_"+kind+"_HOME="+filepath.Join(s.dir, "xdg-"+kind))
	}
	return env
}

// make seals records in windows of an hour before end. An archive that is
// there is left as it is.
func (s site) make(records, hours int) error {
	if _, err := os.Stat(s.config()); err == nil {
		return nil
	}
	k := verifytest.NewKey(1)
	a := verifytest.New(k)
	a.Descriptor(k)
	c := a.Empty(1, k)
	c.Lazy = true
	c.Observe(evidence.TopicFields, evidence.FieldsValue{Names: fields})
	r := rand.New(rand.NewPCG(10, 6)) //nolint:gosec // the same records each time
	for i := range hours {
		w := evidence.Window{Start: end.Add(-time.Duration(hours-i) * time.Hour)}
		w.End = w.Start.Add(time.Hour)
		content := traffic(r, records*(i+1)/hours-records*i/hours, w.Start)
		m := evidence.NewMeter(evidence.MeterConfig{TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus", Timestamps: "unixnano"})
		_, _ = m.Write(content) // a meter never fails
		measured := m.Content()
		e := c.Entry(evidence.KindLog)
		e.Window, e.SealedAt, e.Content = &w, w.End.Add(5*time.Minute), &measured
		e.Source = &evidence.Source{Plugin: "generator", Version: "1", Timestamps: "unixnano", Complete: true, RetrievedAt: e.SealedAt}
		object := verifytest.Pack(content, 1<<20)
		e.Object = &evidence.Object{Key: evidence.ObjectKey(c.ID, w, 1), Bytes: int64(len(object)), SHA256: sha256.Sum256(object)}
		a.Files[e.Object.Key] = object
		c.Add(e)
	}
	c.Seal()
	if err := a.Write(filepath.Join(s.dir, "archive")); err != nil {
		return err
	}
	return os.WriteFile(s.config(), fmt.Appendf(nil,
		"archive: {storage: [{name: local, plugin: fs, path: %q}]}\nknown: %q\nquery: {cache: %q, columns: {dir: %q}}\n",
		filepath.Join(s.dir, "archive"), filepath.Join(s.dir, "known"), filepath.Join(s.dir, "cache"), filepath.Join(s.dir, "columns")), 0o600)
}

// fields are those of the records.
var fields = []string{
	"CacheCacheStatus", "ClientASN", "ClientCountry", "ClientIP", "ClientRequestBytes", "ClientRequestHost", "ClientRequestMethod", "ClientRequestPath",
	"ClientRequestURI", "ClientRequestUserAgent", "EdgeEndTimestamp", "EdgeResponseBytes", "EdgeResponseStatus", "EdgeStartTimestamp", "RayID", "SecurityAction",
}

// traffic is an hour of records: some 40,000 clients, few agents, each RayID once.
func traffic(r *rand.Rand, n int, start time.Time) []byte {
	var b bytes.Buffer
	methods, statuses := []string{"GET", "GET", "GET", "POST", "HEAD"}, []int{200, 200, 200, 200, 200, 301, 304, 404, 403, 500}
	countries, caches := []string{"it", "de", "fr", "es", "us", "cn"}, []string{"hit", "miss", "dynamic", "expired"}
	step := time.Hour / time.Duration(max(1, n))
	for i := range n {
		at := start.Add(time.Duration(i) * step).UnixNano()
		client := int(r.ExpFloat64() * 6000)
		fmt.Fprintf(&b, `{"CacheCacheStatus":%q,"ClientASN":%d,"ClientCountry":%q,"ClientIP":"%d.%d.%d.%d","ClientRequestBytes":%d,"ClientRequestHost":"www.shop.example",`+
			`"ClientRequestMethod":%q,"ClientRequestPath":"/shop/item/%d","ClientRequestURI":"/shop/item/%d?s=%x","ClientRequestUserAgent":"Mozilla/5.0 (X11; Linux x86_64) Chrome/%d.0",`+
			`"EdgeEndTimestamp":%d,"EdgeResponseBytes":%d,"EdgeResponseStatus":%d,"EdgeStartTimestamp":%d,"RayID":"%016x","SecurityAction":%q}`+"\n",
			caches[r.IntN(4)], client%5000, countries[r.IntN(6)], client%223+1, client*7%256, client*31%256, client*101%256, r.IntN(2000),
			methods[r.IntN(5)], client%900, client%900, r.Uint32(), 100+r.IntN(30),
			at+int64(r.IntN(1e9)), r.IntN(1<<16), statuses[r.IntN(10)], at, r.Uint64(), []string{"", "", "", "block", "challenge"}[r.IntN(5)])
	}
	return b.Bytes()
}
