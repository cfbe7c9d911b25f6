package server

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// How long an answer takes tells another's thing from none no more than it tells
// two that are not there from each other: the medians of many are within noise. A
// busy machine may disturb one comparison; a difference shows in all of them.
func TestTimingTellsNothing(t *testing.T) { //nolint:paralleltest // it measures
	if testing.Short() {
		t.Skip("it takes a second")
	}
	b := setup(t)
	key := b.keys[acme][tenant.Admin]
	absent := func(digit string) *strings.Replacer {
		return strings.NewReplacer("{zone}", strings.Repeat(digit, 32), "{job}", strings.Repeat(digit, 32)+".http_requests.1795392000-1795392300")
	}
	for _, path := range []string{
		"/v1/zones/{zone}", "/v1/zones/{zone}/jobs", "/v1/zones/{zone}/coverage", "/v1/zones/{zone}/chain", "/v1/zones/{zone}/logs", "/v1/jobs/{job}", "/v1/jobs/{job}/download",
	} {
		paths := [3]string{absent("d").Replace(path), absent("7").Replace(path), b.fill(endpoint{path: path}, other, "")}
		var apart, noise time.Duration
		for range 5 {
			m := b.medians(paths, key)
			noise = max((m[0] - m[1]).Abs(), m[0]/20)
			if apart = (m[2] - (m[0]+m[1])/2).Abs(); apart <= 2*noise {
				break
			}
		}
		if apart > 2*noise {
			t.Errorf("%s: another's takes %s more or less than what is not there, whose own noise is %s", path, apart, noise)
		}
	}
}

// medians are those of the times that three paths take, asked in turns.
func (b *bundle) medians(paths [3]string, key string) (m [3]time.Duration) {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // deterministic on purpose
	var took [3][]time.Duration
	for range 300 {
		for _, i := range rng.Perm(3) {
			began := time.Now()
			w, body := b.call("GET", paths[i], key, "")
			took[i] = append(took[i], time.Since(began))
			if w.Code != 404 {
				b.Fatalf("%s: status %d: %s", paths[i], w.Code, body)
			}
		}
	}
	for i := range took {
		slices.Sort(took[i])
		m[i] = took[i][len(took[i])/2]
	}
	return m
}
