package server

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// fits demands of an answer that the document has its status, and that its body
// is what the document says.
func (b *bundle) fits(e endpoint, status int, contentType, body string) {
	b.Helper()
	path := strings.NewReplacer("{zone}", "{id}", "{job}", "{id}", "{key}", "{id}", "{source}", "{name}").Replace(strings.SplitN(e.path, "?", 2)[0])
	item := b.server.api.OpenAPI().Paths[path]
	op := map[string]*huma.Operation{"GET": item.Get, "PUT": item.Put, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete}[e.method]
	res := op.Responses[fmt.Sprint(status)]
	if res == nil {
		b.Errorf("%s %s: the document has no status %d: %s", e.method, path, status, body)
		return
	}
	if body == "" && len(res.Content) == 0 {
		return
	}
	media := res.Content[strings.SplitN(contentType, ";", 2)[0]]
	if media == nil {
		b.Errorf("%s %s: %d has no content %q in the document", e.method, path, status, contentType)
		return
	}
	if !strings.Contains(contentType, "json") || contentType == ndjson {
		return
	}
	var v any
	b.ok(json.Unmarshal([]byte(body), &v))
	var found huma.ValidateResult
	huma.Validate(b.server.api.OpenAPI().Components.Schemas, media.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, &found)
	for _, err := range found.Errors {
		b.Errorf("%s %s: %d does not fit the document: %v\n%s", e.method, path, status, err, body)
	}
}

// What is answered is what the document says, whoever asks and whatever for.
func TestAnswersFitTheDocument(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, e := range endpoints() {
		for _, customer := range []string{other, acme} { // another's first: the last of the own is removed
			for _, role := range []tenant.Role{tenant.AnalystRole, tenant.Admin} {
				w, body := b.call(e.method, b.fill(e, customer, b.spareOnce(customer)), b.keys[acme][role], e.body)
				b.fits(e, w.Code, w.Header().Get("Content-Type"), body)
			}
		}
	}
}

// Requests that are like good ones, but for some bytes, are answered as the
// document says, and never by a server's error.
func TestRequestsAtRandom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rng := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // deterministic on purpose
	spoil := func(s string) string {
		if s == "" {
			return s
		}
		c := []byte(s)
		for range 1 + rng.IntN(3) {
			switch at := rng.IntN(len(c)); rng.IntN(4) {
			case 0:
				c[at] = byte(32 + rng.IntN(95))
			case 1:
				c = append(c[:at], c[min(at+1+rng.IntN(4), len(c)):]...)
			case 2:
				c = append(c[:at:at], append([]byte(`"0-:,{}[]null\u0000é`)[rng.IntN(8):], c[at:]...)...)
			default:
				c = append(c, c[at:]...)
			}
			if len(c) == 0 {
				return ""
			}
		}
		return string(c)
	}
	statuses := map[int]int{}
	for i := range 1000 {
		e := endpoints()[i%len(endpoints())]
		if e.method == http.MethodDelete && !strings.Contains(e.path, "{key}") {
			continue // there would be no zone left to ask about
		}
		key := b.spare(acme)
		path, body := b.fill(e, acme, key), spoil(e.body)
		if at := strings.IndexByte(path, '?'); at >= 0 && e.body == "" {
			path = path[:at+1] + strings.Map(func(r rune) rune {
				if r <= ' ' || r > '~' || r == '#' {
					return '+'
				}
				return r
			}, spoil(path[at+1:]))
		}
		w, got := b.call(e.method, path, b.keys[acme][tenant.Admin], body)
		statuses[w.Code]++
		if w.Code >= 500 {
			t.Errorf("%s %s %q: status %d\n%s", e.method, path, body, w.Code, got)
		}
		b.fits(e, w.Code, w.Header().Get("Content-Type"), got)
	}

	if statuses[401] > 0 || statuses[200] < 100 || statuses[422]+statuses[400] < 100 {
		t.Errorf("statuses are %v: that tries little", statuses)
	}
}
