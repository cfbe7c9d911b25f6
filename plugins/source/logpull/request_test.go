package logpull_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	rec := &recording{next: constant(200, "")}
	s := open(t, rec, func(c *logpull.Config) { c.Fields = []string{"RayID", "ClientIP", "EdgeStartTimestamp"} })
	_, st, err := read(t.Context(), s, window(start, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.seen) != 1 {
		t.Fatalf("requests: %q", rec.paths())
	}
	r := rec.seen[0]
	want := "https://api.cloudflare.com/client/v4/zones/" + zoneA + "/logs/received?start=1795183200&end=1795186800" +
		"&timestamps=unixnano&fields=EdgeStartTimestamp,EdgeResponseStatus,ClientIP,RayID"
	if r.Method != http.MethodGet || r.URL.String() != want {
		t.Errorf("%s %s, want GET %s", r.Method, r.URL, want)
	}
	if diff := cmp.Diff(http.Header{
		"Authorization": {"Bearer " + token}, "Accept-Encoding": {"gzip"}, "User-Agent": {"RainLogs-logpull/1.0.0"},
	}, r.Header); diff != "" {
		t.Errorf("header: %s", diff)
	}
	if diff := cmp.Diff([]string{"EdgeStartTimestamp", "EdgeResponseStatus", "ClientIP", "RayID"}, st.Fields); diff != "" {
		t.Errorf("fields in force: %s", diff)
	}
}

// TestPinnedFieldsAreNotAddedTo: the request's own list is the one in force.
func TestPinnedFieldsAreNotAddedTo(t *testing.T) {
	t.Parallel()
	rec := &recording{next: constant(200, "")}
	req := window(start, time.Minute)
	req.Fields = []string{"RayID", "EdgeResponseStatus", "ClientIP"}
	_, st, err := read(t.Context(), open(t, rec), req)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"EdgeResponseStatus", "ClientIP", "RayID"}
	if !slices.Equal(st.Fields, want) || !strings.HasSuffix(rec.seen[0].URL.RawQuery, "&fields="+strings.Join(want, ",")) {
		t.Errorf("fields %q, query %s", st.Fields, rec.seen[0].URL.RawQuery)
	}
	if !slices.Equal(req.Fields, []string{"RayID", "EdgeResponseStatus", "ClientIP"}) {
		t.Errorf("the caller's list was changed to %q", req.Fields)
	}
}

// fieldService answers for the list of fields, and refuses what is not on it.
type fieldService struct {
	list  string
	asked int
}

func (f *fieldService) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/fields") {
		f.asked++
		return answer(200, f.list), nil
	}
	for name := range strings.SplitSeq(r.URL.Query().Get("fields"), ",") {
		if !strings.Contains(f.list, `"`+name+`"`) {
			return answer(400, "bad query: unknown field "+name), nil
		}
	}
	return answer(200, ""), nil
}

func TestFieldListIsKeptForAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &fieldService{list: `{"RayID":"id","ClientIP":"address","EdgeStartTimestamp":"time"}`}
		s := open(t, service, func(c *logpull.Config) { c.Fields = nil })
		pull := func() ([]string, error) {
			_, st, err := read(t.Context(), s, window(start, time.Minute))
			if err != nil {
				return nil, err
			}
			return st.Fields, nil
		}
		want := []string{"EdgeStartTimestamp", "ClientIP", "RayID"}
		for range 5 {
			if have, err := pull(); err != nil || !slices.Equal(have, want) {
				t.Fatalf("fields %q, %v", have, err)
			}
		}
		if service.asked != 1 {
			t.Errorf("asked for the list %d times", service.asked)
		}
		// A field goes. The list in hand is old, so a new one is asked for.
		time.Sleep(10 * time.Minute)
		service.list = `{"RayID":"id","EdgeStartTimestamp":"time"}`
		if _, err := pull(); source.ClassOf(err) != source.ClassRetry {
			t.Errorf("list grown old: %v, want class retry", err)
		}
		if have, err := pull(); err != nil || !slices.Equal(have, []string{"EdgeStartTimestamp", "RayID"}) {
			t.Errorf("fields %q, %v", have, err)
		}
		// A refusal of the newest list is for the operator.
		service.list = `{"EdgeStartTimestamp":"time"}`
		if _, err := pull(); source.ClassOf(err) != source.ClassBlocked {
			t.Errorf("list just asked for: %v, want class blocked", err)
		}
		time.Sleep(time.Hour)
		if have, err := pull(); err != nil || !slices.Equal(have, []string{"EdgeStartTimestamp"}) || service.asked != 3 {
			t.Errorf("an hour later: %q, %v, asked %d times", have, err, service.asked)
		}
	})
}

func TestFieldListIsNotTrusted(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":         `{}`,
		"array":         `["RayID"]`,
		"no JSON":       `<html>`,
		"argument":      `{"RayID&sample=0.1":"x"}`,
		"endless":       `{"` + strings.Repeat("x", 2<<20),
		"too many":      manyFields(3000),
		"wrapped in":    `{"success":true,"result":["RayID"]}`,
		"wrapped error": badAuth,
	} {
		s := open(t, constant(200, body), func(c *logpull.Config) { c.Fields = nil })
		_, err := s.Pull(t.Context(), window(start, time.Minute))
		if e := classed(t, err); e.Class != source.ClassRetry || !strings.Contains(e.Msg, "not understood") {
			t.Errorf("%s: class %s: %v", name, e.Class, e)
		}
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"Field%d":""`, i)
	}
	return "{" + b.String()[1:] + "}"
}

// TestFieldListInTheWrapper: the rest of the API answers so.
func TestFieldListInTheWrapper(t *testing.T) {
	t.Parallel()
	s := open(t, constant(200, `{"success":true,"errors":[],"result":{"RayID":"id","ClientIP":"address"}}`))
	r, err := s.Probe(t.Context(), zoneA)
	if err != nil || !slices.Equal(r.Fields, []string{"ClientIP", "RayID"}) {
		t.Errorf("fields %q, %v", r.Fields, err)
	}
}

// TestRedirectsAreNotFollowed: the token must not go to another place.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var elsewhere atomic.Int32
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
		defer other.Close()
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, status)
		}))
		defer srv.Close()
		s, err := logpull.New(logpull.Config{Token: token, BaseURL: srv.URL, Fields: []string{"RayID"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Pull(t.Context(), window(start, time.Minute)); source.ClassOf(err) != source.ClassBlocked {
			t.Errorf("%d: %v, want class blocked", status, err)
		}
		if _, err := s.Probe(t.Context(), zoneA); err != nil {
			t.Errorf("%d: probe: %v", status, err)
		}
		if n := elsewhere.Load(); n != 0 {
			t.Errorf("%d: %d requests went elsewhere", status, n)
		}
	}
}

// TestRequestsAreSentOnce: a server that hangs up gets no silent repeat, which
// would escape the budget.
func TestRequestsAreSentOnce(t *testing.T) {
	t.Parallel()
	var served atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if served.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
	}))
	defer srv.Close()
	s, err := logpull.New(logpull.Config{Token: token, BaseURL: srv.URL, Fields: []string{"RayID"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(t.Context(), s, window(start, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pull(t.Context(), window(start, time.Minute)); source.ClassOf(err) != source.ClassRetry {
		t.Errorf("hung up: %v, want class retry", err)
	}
	if n := served.Load(); n != 2 {
		t.Errorf("%d requests for 2 pulls", n)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*logpull.Config){
		"no token":          func(c *logpull.Config) { c.Token = " \n" },
		"token of two":      func(c *logpull.Config) { c.Token = "abc def" },
		"token and header":  func(c *logpull.Config) { c.Token = "abc\r\nX-Evil: 1" },
		"plain http":        func(c *logpull.Config) { c.BaseURL = "http://api.cloudflare.com/client/v4" },
		"loopback in name":  func(c *logpull.Config) { c.BaseURL = "http://127.0.0.1.evil.example" },
		"password":          func(c *logpull.Config) { c.BaseURL = "https://me:" + token + "@api.cloudflare.com" },
		"broken URL":        func(c *logpull.Config) { c.BaseURL = "https://me:" + token + "@[::1" },
		"query":             func(c *logpull.Config) { c.BaseURL = "https://api.cloudflare.com/?a=b" },
		"no host":           func(c *logpull.Config) { c.BaseURL = "https:///client/v4" },
		"other scheme":      func(c *logpull.Config) { c.BaseURL = "file:///etc/passwd" },
		"field":             func(c *logpull.Config) { c.Fields = []string{"a b"} },
		"budget":            func(c *logpull.Config) { c.ZonePerMinute = -1 },
		"timeouts":          func(c *logpull.Config) { c.Timeout = time.Second },
		"negative timeouts": func(c *logpull.Config) { c.IdleTimeout = -time.Second },
	} {
		cfg := logpull.Config{Token: token}
		change(&cfg)
		_, err := logpull.New(cfg)
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "Evil") {
			t.Errorf("%s: shows a secret: %v", name, err)
		}
	}
	for _, base := range []string{"", "https://api.cloudflare.com/client/v4/", "http://127.0.0.1:8080", "http://[::1]:1/x", "http://localhost"} {
		if _, err := logpull.New(logpull.Config{Token: token + "\n", BaseURL: base}); err != nil {
			t.Errorf("base %q: %v", base, err)
		}
	}
}

func TestPlugin(t *testing.T) {
	t.Parallel()
	p := logpull.Plugin()
	if err := p.Validate(); err != nil || p.Name != "logpull" || p.Kind() != "source" {
		t.Fatalf("%s %s: %v", p.Kind(), p.Name, err)
	}
	for _, f := range p.Schema {
		if f.Secret != (f.Name == "token") || f.Required != (f.Name == "token") || f.Help == "" {
			t.Errorf("setting %+v", f)
		}
	}
	if _, err := p.Schema.Check(config.Values{}); err == nil {
		t.Error("no token is needed")
	}
	m := emulate(t)
	values, err := p.Schema.Check(config.Values{"token": token, "base_url": m.url, "fields": "RayID, ClientIP"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Source(values)
	if err != nil {
		t.Fatal(err)
	}
	_, st, err := read(context.Background(), s, window(start, time.Minute))
	if err != nil || len(st.Fields) != 4 {
		t.Fatalf("%v, %v", st, err)
	}
	values["requests_per_minute_zone"] = "0x"
	if _, err := p.Schema.Check(values); err == nil {
		t.Error("a budget that is no number is taken")
	}
}
