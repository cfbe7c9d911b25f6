// One request at a time: the race detector has nothing to find, and what judges takes minutes to build with it.

//go:build !race

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// seeded makes what is drawn the same every time. RAINLOGS_REQUESTS says how
// many requests each operation gets, -rapid.seed what they begin with.
var seeded = sync.OnceValue(func() error {
	n := os.Getenv("RAINLOGS_REQUESTS")
	if n == "" {
		n = "100"
	}
	values := map[string]string{"rapid.seed": "7", "rapid.checks": n, "rapid.nofailfile": "true", "rapid.shrinktime": "10s"}
	flag.Visit(func(f *flag.Flag) { delete(values, f.Name) }) // given on the command line
	for name, value := range values {
		if err := flag.Set(name, value); err != nil {
			return fmt.Errorf("set -%s: %w", name, err)
		}
	}
	return nil
})

// described is an operation as /openapi.json has it.
type described struct {
	method, path string
	ID           string                `json:"operationId"`
	Parameters   []parameter           `json:"parameters"`
	Security     []map[string][]string `json:"security"`
	Body         *struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

type parameter struct {
	Name     string  `json:"name"`
	In       string  `json:"in"`
	Required bool    `json:"required"`
	Schema   *schema `json:"schema"`
}

// fuzzed makes requests of one operation, and judges the answers.
type fuzzed struct {
	*bundle
	described
	judge   *judge
	schemas map[string]*schema
	away    bool // there is no backend
	sent    int
	tally   map[string]int // by caller and by status
}

// Whatever is asked by whomever, the answer is one that the document has, and
// neither an error of the server nor told of others or of the request itself.
// Requests are made of the document, and answers are judged by it with somebody
// else's program.
func TestAnswersFitTheDocument(t *testing.T) {
	t.Parallel()
	eachOperation(t, func(t *testing.T, f *fuzzed) {
		rapid.Check(t, func(rt *rapid.T) { f.one(t, rt) })
		f.triedEnough(t)
	})
}

// While the collector starts or ends, every operation answers so.
func TestUnavailableFitsTheDocument(t *testing.T) {
	t.Parallel()
	eachOperation(t, func(t *testing.T, f *fuzzed) {
		f.away = true
		rapid.Check(t, func(rt *rapid.T) { f.one(t, rt) })
		if f.tally["503"] == 0 {
			t.Errorf("answers are %v", f.tally)
		}
	})
}

func eachOperation(t *testing.T, try func(t *testing.T, f *fuzzed)) {
	t.Helper()
	b := setup(t)
	b.ok(seeded())
	_, document := b.call("GET", "/openapi.json", "", "")
	j := newJudge(b, document)
	doc := decode[struct {
		Paths      map[string]map[string]described `json:"paths"`
		Components struct {
			Schemas map[string]*schema `json:"schemas"`
		} `json:"components"`
	}](b, document)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			op.method, op.path = strings.ToUpper(method), path
			t.Run(op.ID, func(t *testing.T) {
				t.Parallel()
				try(t, &fuzzed{described: op, judge: j, schemas: doc.Components.Schemas, tally: map[string]int{}})
			})
		}
	}
}

// triedEnough demands that the operation was carried out and refused, and by
// every role.
func (f *fuzzed) triedEnough(t *testing.T) {
	t.Helper()
	t.Logf("%v", f.tally)
	var done, refused int
	for what, n := range f.tally {
		switch what[0] {
		case '2':
			done += n
		case '4':
			refused += n
		}
	}
	if done == 0 || refused == 0 {
		t.Errorf("%d carried out, %d refused: that tries little", done, refused)
	}
	for _, role := range tenant.Roles() {
		if !f.registers() && f.tally[string(role)] == 0 {
			t.Errorf("nobody of role %s has asked", role)
		}
	}
}

// registers reports whether a registration token is asked for, and not a key.
func (f *fuzzed) registers() bool {
	return len(f.Security) > 0 && f.Security[0][registrationScheme] != nil
}

// anew is how many requests one installation answers: some use it up.
const anew = 400

func (f *fuzzed) one(t *testing.T, rt *rapid.T) {
	if f.sent%anew == 0 {
		f.bundle = setup(t)
		if f.away {
			f.detach(0)
		}
	}
	f.sent++
	f.server.tries.of.Purge()
	z, err := f.catalog.ListZones(t.Context())
	f.ok(err)
	for customer, id := range f.zones { // what an earlier request has ended or paused
		if !slices.ContainsFunc(z, func(z catalog.Zone) bool { return z.ID == id && !z.Paused }) {
			f.ok(f.catalog.PutZone(t.Context(), catalog.Zone{ID: id, Dataset: "http_requests", Name: customer + ".eu", AddedAt: f.now()}))
		}
	}
	m := f.make(rt)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m.request = m.request.WithContext(ctx)
	f.server.ServeHTTP(&brief{m.answer, cancel}, m.request)
	f.judge.documented(rt, m)
	f.judge.allowed(rt, m)
	switch code := m.answer.Code; {
	case f.away && (code == http.StatusServiceUnavailable || code == http.StatusNotFound): // what is no path is refused before
	case f.away:
		rt.Fatalf("carried out, or looked at, without a backend: %s", m)
	case code >= http.StatusInternalServerError:
		rt.Fatalf("the server's own error: %s", m)
	}
	f.tells(rt, m)
	f.tally[fmt.Sprint(m.answer.Code)]++
	f.tally[m.who]++
}

// made is a request, who asks, and the answer to be.
type made struct {
	request       *http.Request
	body          string
	who, customer string
	path          string // of the document
	given         []string
	answer        *httptest.ResponseRecorder
}

func (m *made) String() string {
	return fmt.Sprintf("%s asks %s %s %.2000q with headers %.300q\nanswer: %d %v\n%.2000q", m.who, m.request.Method, m.request.URL, m.body, m.request.Header,
		m.answer.Code, m.answer.Header(), m.answer.Body.String())
}

// brief ends a request when its answer begins to flow: what has no end of its
// own is ended by its client.
type brief struct {
	*httptest.ResponseRecorder
	end context.CancelFunc
}

func (w *brief) Flush() { w.ResponseRecorder.Flush(); w.end() }

func (f *fuzzed) make(rt *rapid.T) *made {
	v := &values{
		T: rt, known: f.known(), faults: rapid.SampledFrom([]int{0, 0, 2, 8}).Draw(rt, "faults"),
		of: func(ref string) *schema { return f.schemas[ref[strings.LastIndexByte(ref, '/')+1:]] },
	}
	m := &made{path: f.path, answer: httptest.NewRecorder()}
	header := http.Header{}
	target := &url.URL{Path: f.path}
	var query []string
	for _, p := range f.Parameters {
		if !p.Required && p.In != "path" && rapid.Bool().Draw(rt, "left out") {
			continue
		}
		text := ""
		if v.wrong() {
			text = v.nearly(p.Name, v.resolve(p.Schema))
		} else {
			text = v.plain(p.Name, p.Schema)
		}
		switch p.In {
		case "path":
			if text == "" {
				text = "-" // another route's otherwise
			}
			target.Path, target.RawPath = strings.Replace(f.path, "{"+p.Name+"}", text, 1), strings.Replace(f.path, "{"+p.Name+"}", url.PathEscape(text), 1)
		case "query":
			query = append(query, p.Name+"="+url.QueryEscape(text))
		case "header":
			header.Set(p.Name, strings.Map(printable, text))
		}
	}
	if v.wrong() {
		query = append(query, v.pick("strange", "unknown=1", mark+"=1", "=", "%zz", "a;b", "limit", "dataset=x&dataset=y", "from=%00"))
	}
	target.RawQuery = strings.Map(printable, strings.Join(query, "&"))
	f.content(v, m, header)
	f.caller(v, m, header)
	m.request = httptest.NewRequestWithContext(f.Context(), f.method, "/", bytes.NewReader([]byte(m.body)))
	m.request.URL, m.request.Header, m.given = target, header, v.given
	return m
}

// printable leaves out what net/http has refused before anything of ours sees it.
func printable(r rune) rune {
	if r <= ' ' || r == 0x7f {
		return -1
	}
	return r
}

// content gives the request a body, mostly one that its operation takes.
func (f *fuzzed) content(v *values, m *made, header http.Header) {
	if f.Body == nil {
		if v.wrong() {
			m.body = v.pick("body", "{}", "null", mark, strings.Repeat("x", maxBody+2))
		}
		return
	}
	media := rapid.SampledFrom(slices.Sorted(maps.Keys(f.Body.Content))).Draw(v.T, "media type")
	m.body = v.json("body", f.Body.Content[media].Schema)
	if v.seldom() {
		m.body = v.pick("body", "", " ", "\ufeff"+m.body, m.body+m.body, m.body+"x", m.body[:len(m.body)/2], strings.Repeat(" ", maxBody)+m.body, "\x00", "--"+mark, "{"+mark)
	}
	if v.seldom() {
		media = v.pick("media type", "", "text/plain", "application/cbor", "application/json; charset=utf-16", "application/json;", "application/xml", "application/merge-patch+json", "*/*", "x", mark)
	}
	header.Set("Content-Type", media)
}

// caller says who asks, and how.
func (f *fuzzed) caller(v *values, m *made, header http.Header) {
	m.customer = v.pick("customer", acme, acme, acme, acme, acme, other, tenant.Operator, "")
	role := rapid.SampledFrom(tenant.Roles()).Draw(v.T, "role")
	token := f.keys[m.customer][role]
	m.who = string(role)
	switch {
	case f.registers():
		m.who, token = "who registers", registrationToken
		if v.wrong() {
			m.who, token = "who guesses", v.pick("token", "", mark, registrationToken+" ", registrationToken[1:], f.keys[acme][tenant.Admin])
		}
	case m.customer == "":
		good := f.keys[other][role]
		m.who, token = "who has no key", v.pick("token", "", mark, good[:len(good)-1], good+"a", strings.ToUpper(good), " "+good, registrationToken, "rl__", "rl_"+strings.Repeat("a", 13)+"_"+strings.Repeat("a", 52))
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if v.wrong() {
		name := v.pick("header", "Accept", "Accept", "Accept-Encoding", "Range", "If-Match", "If-None-Match", "Content-Encoding", "X-Forwarded-For", "X-Http-Method-Override", "Last-Event-Id", "Origin", "X-Request-Id", "Cookie")
		header.Set(name, v.pick("value", "application/json", "application/cbor", "text/html;q=0.1", "*/*;q=0", "bytes=5-1", "*", "gzip", `"x"`, "PUT", mark, ",", ";q=", strings.Repeat(mark, 100)))
	}
}

// known are the ids of things that there are, and words that mean something.
func (f *fuzzed) known() map[string][]string {
	ids := []string{f.zones[acme], f.zones[acme], f.zones[other], f.zones[tenant.Operator], strings.Repeat("d", 32)}
	switch {
	case strings.HasPrefix(f.path, "/v1/jobs/"):
		ids = []string{f.jobs[acme], f.jobs[acme], f.jobs[other], f.jobs[tenant.Operator], strings.Repeat("d", 32) + ".http_requests.1795392000-1795392300"}
	case strings.HasPrefix(f.path, "/v1/api-keys/"):
		spare := f.spare(acme)
		ids = []string{spare, spare, f.spareOnce(acme), f.spareOnce(other), strings.Repeat("q", 16)}
	}
	known := map[string][]string{
		"id": ids, "dataset": {"http_requests", "http_requests", "http_requests", "firewall_events"}, "source": {"logpull", "logpull", "second", "third"},
		"source_zone": {strings.Repeat("c", 32), strings.Repeat("C", 32), "example.com"}, "sources": {"logpull", "second", "third"},
		"schedule": {"*/5 * * * *", "7 3 * * 1", "", "@daily", "61 * * * *"}, "Accept-Encoding": {"zstd", "gzip", "identity", "*;q=0", "gzip;q=0, zstd;q=0.1"},
	}
	if strings.HasPrefix(f.path, "/v1/sources/") {
		f.bring(acme, acme+"-own", cfToken) // an earlier request may have ended it
		known["name"] = []string{acme + "-own", acme + "-own", other + "-own", "logpull", "third"}
	}
	return known
}

// tells demands that an answer says nothing of others, of secrets, or of what
// was asked with.
func (f *fuzzed) tells(rt *rapid.T, m *made) {
	got := m.answer.Body.String() + fmt.Sprint(m.answer.Header())
	for customer, keys := range f.keys {
		for _, key := range keys {
			if strings.Contains(got, key[len(key)-52:]) {
				rt.Fatalf("a key is told: %s", m)
			}
		}
		// The audit log has what one asked for oneself.
		if customer != m.customer && f.ID != "listEvents" && (strings.Contains(got, f.zones[customer]) || strings.Contains(got, customer+".eu")) {
			rt.Fatalf("something of %s is told: %s", customer, m)
		}
	}
	if strings.Contains(got, registrationToken) || strings.Contains(got, cfToken) || strings.Contains(f.log.String(), mark) {
		rt.Fatalf("a token is told, or the log has what was asked with: %s", m)
	}
	if m.answer.Code < http.StatusBadRequest {
		return
	}
	for _, text := range append(m.given, mark) {
		if len(text) >= 10 && strings.Contains(got, text) {
			rt.Fatalf("%q of the request is repeated: %s", text, m)
		}
	}
	var p api.Problem
	if err := json.Unmarshal(m.answer.Body.Bytes(), &p); err != nil || p.Status != m.answer.Code || p.RequestID == "" || p.RequestID != m.answer.Header().Get("X-Request-Id") {
		rt.Fatalf("is no problem of this request: %v: %s", err, m)
	}
	for status, name := range map[int]string{401: "Www-Authenticate", 429: "Retry-After", 503: "Retry-After"} {
		if m.answer.Code == status && m.answer.Header().Get(name) == "" {
			rt.Fatalf("no %s: %s", name, m)
		}
	}
}
