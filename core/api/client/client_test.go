package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "rl_abcdefgh_the-secret-of-the-tests"

// carried is a server that is a function.
type carried func(r *http.Request) (*http.Response, error)

func (f carried) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, contentType, body string, header ...string) *http.Response {
	res := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i+1 < len(header); i += 2 {
		res.Header.Set(header[i], header[i+1])
	}
	return res
}

func problem(status int, code api.Code, header ...string) *http.Response {
	p := api.NewProblem(status, code, "it is so")
	p.RequestID = "r1"
	b, _ := json.Marshal(p)
	return answer(status, api.ContentType, string(b), header...)
}

func asked(t *testing.T, f carried, change ...func(*client.Config)) *client.Client {
	t.Helper()
	cfg := client.Config{URL: "https://logs.example", Key: key, Transport: f}
	for _, c := range change {
		c(&cfg)
	}
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The key goes to the server that was named, and to no other.
func TestRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("was asked for %s with %v", r.URL, r.Header)
	}))
	defer elsewhere.Close()
	var given string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given = r.Header.Get("Authorization")
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	c, err := client.New(client.Config{URL: server.URL, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Me(t.Context())
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusTemporaryRedirect || given != "Bearer "+key {
		t.Errorf("%v, given %q", err, given)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	faulty := api.NewProblem(422, api.CodeInvalid, "it is not valid")
	faulty.Errors = []api.Fault{{Location: "body.name", Message: "too long"}, {Message: "and more"}}
	faults, _ := json.Marshal(faulty)
	for name, c := range map[string]struct {
		res    *http.Response
		status int
		code   api.Code
		text   string
	}{
		"a problem":             {problem(409, api.CodeLastAdmin), 409, api.CodeLastAdmin, "it is so"},
		"faults":                {answer(422, api.ContentType, string(faults)), 422, api.CodeInvalid, "it is not valid; body.name: too long; and more"},
		"a proxy's page":        {answer(502, "text/html", "<html>"), 502, api.CodeInternal, "the server answers 502 Bad Gateway, and not as RainLogs does"},
		"half a problem":        {answer(403, api.ContentType, `{"status":403,`), 403, api.CodeForbidden, "the server answers 403 Forbidden, and not as RainLogs does"},
		"of another status":     {answer(403, api.ContentType, `{"status":200,"code":"x"}`), 403, api.CodeForbidden, "the server answers 403 Forbidden, and not as RainLogs does"},
		"without end":           {&http.Response{StatusCode: 500, Header: http.Header{}, Body: io.NopCloser(endless{})}, 500, api.CodeInternal, "the server answers 500 Internal Server Error, and not as RainLogs does"},
		"a problem, and no GET": {problem(503, api.CodeUnavailable, "Retry-After", "1"), 503, api.CodeUnavailable, "it is so"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := asked(t, func(*http.Request) (*http.Response, error) { return c.res, nil }).RevokeKey(t.Context(), "abc")
			var p *api.Problem
			if !errors.As(err, &p) || p.Status != c.status || p.Code != c.code || err.Error() != c.text {
				t.Errorf("%v (%+v), want %d %s %q", err, p, c.status, c.code, c.text)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// What is no answer of the API's is an error, and never a zero value.
func TestOtherAnswers(t *testing.T) {
	t.Parallel()
	for name, res := range map[string]func() *http.Response{
		"a page":         func() *http.Response { return answer(200, "text/html", "<html>") },
		"another status": func() *http.Response { return answer(204, "application/json", "") },
		"not JSON":       func() *http.Response { return answer(200, "application/json", "{") },
		"without end": func() *http.Response {
			r := answer(200, "application/json", "")
			r.Body = io.NopCloser(endless{})
			return r
		},
		"another's stream": func() *http.Response { return answer(200, "text/event-stream", "event: zone\ndata: {\n\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := asked(t, func(*http.Request) (*http.Response, error) { return res(), nil })
			if _, err := c.Me(t.Context()); err == nil {
				t.Error("me is no error")
			}
			if _, err := c.Keys(t.Context()); err == nil {
				t.Error("keys are no error")
			}
			if _, err := c.Pull(t.Context(), client.Zone{ID: "x"}); err == nil {
				t.Error("a pull is no error")
			}
			if d, err := c.Download(t.Context(), "x"); err == nil {
				t.Error("a download is no error", d.Close())
			}
			if _, err := c.Verify(t.Context(), client.Zone{ID: "x"}, "", nil); err == nil {
				t.Error("a verification is no error")
			}
			for _, err := range c.Jobs(t.Context(), client.Zone{ID: "x"}) {
				if err == nil {
					t.Error("jobs are no error")
				}
			}
		})
	}
	t.Run("as long as may be", func(t *testing.T) {
		t.Parallel()
		_, err := asked(t, func(*http.Request) (*http.Response, error) {
			r := answer(200, "application/json", "")
			r.Body = io.NopCloser(endless{})
			return r, nil
		}).Zones(t.Context())
		if !errors.Is(err, client.ErrTooLarge) {
			t.Error(err)
		}
	})
}

// A GET that the server puts off is asked again, when it says and as long as
// patience lasts. Nothing else is.
func TestPutOff(t *testing.T) {
	t.Parallel()
	const me = `{"api_key":{"id":"k"},"customer":{"id":"c"}}`
	for name, c := range map[string]struct {
		answers []*http.Response
		post    bool
		waited  time.Duration
		asked   int
		code    api.Code // "": none
	}{
		"twice": {[]*http.Response{
			problem(503, api.CodeUnavailable, "Retry-After", "5"), problem(429, api.CodeRateLimited, "Retry-After", "2"), answer(200, "application/json", me),
		}, false, 7 * time.Second, 3, ""},
		"at once":            {[]*http.Response{problem(429, api.CodeRateLimited, "Retry-After", "0"), answer(200, "application/json", me)}, false, 100 * time.Millisecond, 2, ""},
		"it does not say":    {[]*http.Response{answer(503, "text/html", "<html>"), answer(200, "application/json", me)}, false, time.Second, 2, ""},
		"for too long":       {[]*http.Response{problem(503, api.CodeUnavailable, "Retry-After", "31")}, false, 0, 1, api.CodeUnavailable},
		"for too long twice": {[]*http.Response{problem(503, api.CodeUnavailable, "Retry-After", "20"), problem(503, api.CodeUnavailable, "Retry-After", "20")}, false, 20 * time.Second, 2, api.CodeUnavailable},
		"another refusal":    {[]*http.Response{problem(500, api.CodeInternal, "Retry-After", "1")}, false, 0, 1, api.CodeInternal},
		"an act":             {[]*http.Response{problem(503, api.CodeUnavailable, "Retry-After", "1")}, true, 0, 1, api.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n, began := 0, time.Now()
				cl := asked(t, func(*http.Request) (*http.Response, error) { n++; return c.answers[n-1], nil })
				var err error
				if c.post {
					_, err = cl.Pull(t.Context(), client.Zone{ID: "x"})
				} else {
					_, err = cl.Me(t.Context())
				}
				var p *api.Problem
				if errors.As(err, &p) != (c.code != "") || p != nil && p.Code != c.code {
					t.Error(err)
				}
				if n != c.asked || time.Since(began) != c.waited {
					t.Errorf("asked %d times in %s, want %d in %s", n, time.Since(began), c.asked, c.waited)
				}
			})
		})
	}
	t.Run("until it is of no use", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := asked(t, func(*http.Request) (*http.Response, error) {
				return problem(503, api.CodeUnavailable, "Retry-After", "9"), nil
			}).Me(ctx)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	})
}

// silent is a body that says something, and then nothing until its request ends.
type silent struct {
	ctx  context.Context
	said io.Reader
}

func (s *silent) Read(p []byte) (int, error) {
	if n, err := s.said.Read(p); err == nil {
		return n, nil
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (s *silent) Close() error { return nil }

func TestTime(t *testing.T) {
	t.Parallel()
	never := func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
	slow := func(contentType, said string) carried {
		return func(r *http.Request) (*http.Response, error) {
			res := answer(200, contentType, "", "X-Content-Sha256", strings.Repeat("0", 64))
			res.Body = &silent{r.Context(), strings.NewReader(said)}
			return res, nil
		}
	}
	follow := func(ctx context.Context, c *client.Client) (err error) {
		for _, err = range c.Follow(ctx) {
			_ = err
		}
		return err
	}
	download := func(ctx context.Context, c *client.Client) error {
		d, err := c.Download(ctx, "x")
		if err == nil {
			_, err = io.Copy(io.Discard, d)
			err = errors.Join(err, d.Close())
		}
		return err
	}
	me := func(ctx context.Context, c *client.Client) error { _, err := c.Me(ctx); return err }
	for name, c := range map[string]struct {
		server carried
		ask    func(ctx context.Context, c *client.Client) error
		waited time.Duration
		want   error
	}{
		"no answer":                 {never, me, 30 * time.Second, context.DeadlineExceeded},
		"half an answer":            {slow("application/json", "{"), me, 30 * time.Second, context.DeadlineExceeded},
		"no stream":                 {never, follow, 30 * time.Second, context.DeadlineExceeded},
		"a stream that falls still": {slow("text/event-stream", ": here\n\n"), follow, 2 * time.Minute, client.ErrIdle},
		"a download that does":      {slow("application/x-ndjson", "{}\n"), download, 2 * time.Minute, client.ErrIdle},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				if err := c.ask(t.Context(), asked(t, c.server)); !errors.Is(err, c.want) || strings.Contains(err.Error(), "secret") {
					t.Error(err)
				}
				if time.Since(began) != c.waited {
					t.Errorf("waited %s, want %s", time.Since(began), c.waited)
				}
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, context.Canceled)
				defer cancel()
				began = time.Now()
				if err := c.ask(ctx, asked(t, c.server)); err == nil || time.Since(began) != time.Second {
					t.Errorf("%v after %s, want the asker's own end", err, time.Since(began))
				}
			})
		})
	}
}

// Pages are asked for as long as there are any, and somebody wants them.
func TestPages(t *testing.T) {
	t.Parallel()
	var cursors []string
	c := asked(t, func(r *http.Request) (*http.Response, error) {
		cursor := r.URL.Query().Get("cursor")
		cursors = append(cursors, cursor)
		next := map[string]string{"": `,"next":"2"`, "2": `,"next":"1"`}[cursor]
		return answer(200, "application/json", `{"events":[{"seq":1,"action":"a`+cursor+`"},{"seq":2,"action":"b`+cursor+`"}]`+next+`}`), nil
	})
	var got []string
	for e, err := range c.Audit(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Action)
	}
	if diff := cmp.Diff([]string{"a", "b", "a2", "b2", "a1", "b1"}, got); diff != "" {
		t.Error(diff)
	}
	cursors = nil
	for e, err := range c.Audit(t.Context()) {
		if err != nil || e.Action == "a2" {
			break
		}
	}
	if diff := cmp.Diff([]string{"", "2"}, cursors); diff != "" {
		t.Error(diff)
	}
}

// Optional parts of a request that are not given are not sent; those that are, are, false too.
func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	var sent string
	c := asked(t, func(r *http.Request) (*http.Response, error) {
		sent = r.Method + " " + r.URL.String()
		if r.Body != nil {
			b, _ := io.ReadAll(r.Body)
			sent += " " + string(b)
		}
		return problem(404, api.CodeNotFound), nil
	})
	no, none, at := false, "", time.Date(2026, 11, 26, 1, 2, 3, 0, time.UTC)
	z := client.Zone{ID: "z"}
	for want, do := range map[string]func(){
		`PATCH https://logs.example/v1/zones/z {"paused":false,"schedule":""}`: func() { _, _ = c.ChangeZone(t.Context(), z, gen.ZonePatch{Paused: &no, Schedule: &none}) },
		`GET https://logs.example/v1/zones/z/coverage`:                         func() { _, _ = c.Coverage(t.Context(), z, time.Time{}, time.Time{}) },
		`GET https://logs.example/v1/zones/z/coverage?dataset=d&from=2026-11-26T01%3A02%3A03Z`: func() {
			_, _ = c.Coverage(t.Context(), client.Zone{ID: "z", Dataset: "d"}, at, time.Time{})
		},
		`POST https://logs.example/v1/api-keys {"name":"n","role":"admin"}`:   func() { _, _ = c.AddKey(t.Context(), "n", "admin", time.Time{}) },
		`POST https://logs.example/v1/api-keys/k/rotate {}`:                   func() { _, _ = c.RotateKey(t.Context(), "k", 0) },
		`DELETE https://logs.example/v1/zones/..%2Fx`:                         func() { _ = c.RemoveZone(t.Context(), client.Zone{ID: "../x"}) },
		`POST https://logs.example/v1/zones/z/verify?level=chain`:             func() { _, _ = c.Verify(t.Context(), z, "chain", nil) },
		`POST https://logs.example/v1/customers {"name":"n","sources":["s"]}`: func() { _, _ = c.Register(t.Context(), "n", []string{"s"}) },
	} {
		if do(); sent != want {
			t.Errorf("sent %s, want %s", sent, want)
		}
	}
}
