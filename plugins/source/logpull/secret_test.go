package logpull_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// TestTokenIsNeverShown, by whatever way a value or an error gets printed, and
// though the service and the network echo the request back.
func TestTokenIsNeverShown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	show := func(v any) {
		fmt.Fprintf(&out, "%v %+v %#v %s %q\n", v, v, v, v, v)
		log.Info("shown", "value", v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
	}
	cfg := logpull.Config{Token: token}
	show(cfg)
	show(&cfg)
	show(cfg.Token)

	echo := "Authorization: Bearer " + token
	networks := []transport{
		func(*http.Request) (*http.Response, error) { return nil, errors.New(echo) },
		constant(200, echo),
		constant(200, zip(echo), "Content-Encoding", "gzip"),
		constant(200, "x", "Content-Encoding", echo),
		constant(200, `{"`+token+`":1}`),
		constant(200, `{"success":false,"errors":[{"code":1,"message":"`+echo+`"}]}`),
		constant(200, `{"result":{"status":"`+token+`","name":"`+token+`","plan":{"legacy_id":"`+token+`"},"account":{"id":"`+account+`"},"regions":"`+token+`","flag":"`+token+`"}}`),
		constant(302, echo, "Location", "https://x.example/"+token),
		constant(429, echo, "Retry-After", token),
	}
	for _, status := range []int{204, 206, 400, 401, 403, 404, 408, 500} {
		networks = append(networks, constant(status, echo), constant(status, `{"success":false,"errors":[{"code":1,"message":"`+echo+`"}]}`))
	}
	failures := 0
	for _, network := range networks {
		for _, fields := range [][]string{nil, {"RayID"}} {
			s := open(t, network, func(c *logpull.Config) { c.Fields = fields })
			show(s)
			_, _, err := read(t.Context(), s, window(start, time.Minute))
			if err != nil {
				failures++
				show(err)
				for e := err; e != nil; e = errors.Unwrap(e) {
					if _, ours := e.(*source.Error); ours { //nolint:errorlint // each link of the chain by itself
						show(e)
					}
				}
			}
			r, err := s.Probe(t.Context(), zoneA)
			show(r)
			if err != nil {
				show(err)
			}
		}
	}
	if failures < len(networks) {
		t.Errorf("only %d failures", failures)
	}
	for line := range strings.Lines(out.String()) {
		if at := strings.Index(line, token); at >= 0 {
			t.Errorf("shown: %.300s", line[max(0, at-100):])
		}
	}
	if !strings.Contains(out.String(), "Bearer [redacted]") {
		t.Error("no echo came as far as the output")
	}
}
