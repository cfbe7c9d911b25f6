package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// tenantOf is a customer of the daemon's, by the generated client.
type tenantOf struct {
	*site
	base string
	*client.Client
	zone client.Zone
	from time.Time
	to   time.Time
}

func (s *site) client(base, key string) *client.Client {
	s.Helper()
	c, err := client.New(client.Config{URL: base, Key: client.Key(key)})
	s.must(err)
	s.Cleanup(c.Close)
	return c
}

// refused demands a problem of that code.
func (s *site) refused(what string, code api.Code, err error) {
	s.Helper()
	var p *api.Problem
	if !errors.As(err, &p) || p.Code != code || p.RequestID == "" {
		s.Errorf("%s: %v, want a problem of code %s", what, err, code)
	}
}

// TestClient is a tenant's journey against the real daemon, every step of it by the
// client that is generated from the document that the daemon serves.
func TestClient(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2, time.Hour, rates{zone: 100_000, user: 100_000, five: 400_000}, logpulltest.Faults{})
	s.catalog = "sqlite:./catalog.db"
	s.must(os.WriteFile(filepath.Join(s.dir, "registration"), []byte(registration), 0o600))
	s.extra = "api: {listen: '127.0.0.1:0', registration: file:./registration}\n"
	s.sources = fmt.Sprintf("  acme: {plugin: logpull, token: file:./token, base_url: %s}\n", s.url)
	p := s.start("one")
	base := s.api(p).base

	registrar := s.client(base, registration)
	made, err := registrar.Register(t.Context(), "Acme", []string{"acme"})
	s.must(err)
	_, err = s.client(base, "rl_abcdefgh_wrong").Register(t.Context(), "Nobody", nil)
	s.refused("registration with a wrong token", api.CodeUnauthorized, err)
	other, err := registrar.Register(t.Context(), "Other", nil)
	s.must(err)

	j := &tenantOf{site: s, base: base, Client: s.client(base, made.ApiKey.Secret)}
	me, err := j.Me(t.Context())
	s.must(err)
	if me.Customer.Id != made.Customer.Id || !slices.Equal(me.Customer.Sources, []string{"acme"}) || me.ApiKey.Role != gen.KeyRoleAdmin {
		t.Errorf("me is %+v", me)
	}
	j.addsZone()
	j.pulls()
	j.reads()
	j.downloads()
	j.verifies()
	j.isAlone(s.client(base, other.ApiKey.Secret))
	j.keys(me.ApiKey.Id)
	j.removes()
	j.audits()
	if code := p.end(syscall.SIGTERM); code != 0 && code != 130 {
		t.Errorf("exit code %d\n%s", code, p.output)
	}
}

func (j *tenantOf) addsZone() {
	j.Helper()
	j.from = time.Now().UTC().Add(-30 * time.Minute).Truncate(5 * time.Minute)
	j.to = j.from.Add(20 * time.Minute)
	acme, none := "acme", "none"
	_, err := j.AddZone(j.Context(), gen.NewZone{SourceZone: zoneID(0), Name: zoneName(0), Source: &none})
	j.refused("a zone of a source that is not the customer's", api.CodeSource, err)
	_, err = j.AddZone(j.Context(), gen.NewZone{SourceZone: "no id", Name: zoneName(0), Source: &acme})
	j.refused("a zone with a bad id", api.CodeInvalid, err)
	if !strings.Contains(fmt.Sprint(err), "body.source_zone") {
		j.Errorf("%v does not say what is wrong", err)
	}
	z, err := j.AddZone(j.Context(), gen.NewZone{SourceZone: zoneID(0), Name: zoneName(0), Source: &acme, From: &j.from})
	j.must(err)
	j.zone = client.Zone{ID: z.Id, Dataset: z.Dataset}
	zones, err := j.Zones(j.Context())
	j.must(err)
	one, err := j.Client.Zone(j.Context(), j.zone)
	j.must(err)
	if len(zones) != 1 || zones[0].Id != z.Id || one.SourceZone != zoneID(0) || !one.From.Equal(j.from) {
		j.Errorf("zones are %+v, the zone %+v", zones, one)
	}
}

// pulls has the zone pulled, while it follows what becomes of it.
func (j *tenantOf) pulls() {
	j.Helper()
	_, err := j.Pull(j.Context(), j.zone)
	j.must(err)
	ctx, cancel := context.WithTimeout(j.Context(), time.Minute)
	defer cancel()
	seen := false
	var size int64
	for change, err := range j.Follow(ctx) {
		j.must(err)
		seen = seen || change.Zone != nil && change.Zone.Id == j.zone.ID
		if change.Chain == nil {
			continue
		}
		size = change.Chain.Size
		covered, err := j.Coverage(ctx, j.zone, j.from, j.to)
		j.must(err)
		if covered.Complete {
			break
		}
	}
	if !seen || size < 4 {
		j.Errorf("followed to a chain of %d, the zone itself seen: %v", size, seen)
	}
}

func (j *tenantOf) reads() {
	j.Helper()
	covered, err := j.Coverage(j.Context(), j.zone, j.from, j.to)
	j.must(err)
	if len(covered.Spans) != 1 || covered.Spans[0].State != gen.SpanStateSealed || covered.Spans[0].Lines != int64(j.to.Sub(j.from)/(5*time.Second)) {
		j.Errorf("coverage is %+v", covered)
	}
	backlog, err := j.Backlog(j.Context())
	j.must(err)
	if len(backlog) != 1 || backlog[0].Zone != j.zone.ID || backlog[0].SealedUntil.Before(j.to) {
		j.Errorf("backlog is %+v, sealed to %s at least", backlog, j.to)
	}
	chain, err := j.Chain(j.Context(), j.zone)
	j.must(err)
	if chain.Size < 4 || chain.Checkpoint == nil || !strings.Contains(*chain.Checkpoint, j.zone.ID) || chain.Vkey != j.key.Public().VKey() {
		j.Errorf("chain is %+v", chain)
	}
}

// downloads compares what was sealed, line for line, with what the emulator holds.
func (j *tenantOf) downloads() {
	j.Helper()
	var whole time.Duration
	for job, err := range j.Jobs(j.Context(), j.zone) {
		j.must(err)
		if job.From.Before(j.from) || job.To.After(j.to) {
			continue
		}
		whole += job.To.Sub(job.From)
		one, err := j.Job(j.Context(), job.Id)
		j.must(err)
		if one.State != gen.JobStateSealed || one.Seq == nil {
			j.Errorf("job is %+v", one)
		}
		d, err := j.Download(j.Context(), job.Id)
		j.must(err)
		records, err := io.ReadAll(d)
		j.must(errors.Join(err, d.Close()))
		left := map[string]int{}
		for line := range bytes.Lines(records) {
			left[strings.TrimSuffix(string(line), "\n")]++
		}
		for _, line := range j.emulator.Lines(zoneID(0), job.From, job.To, logpulltest.Projection{Fields: []string{"EdgeStartTimestamp", "EdgeResponseStatus", "RayID"}}) {
			left[string(line)]--
		}
		for line, n := range left {
			if n != 0 {
				j.Errorf("window from %s: %+d times %s", job.From, n, line)
			}
		}
		if int64(len(records)) != one.Bytes || int64(len(left)) != one.Lines {
			j.Errorf("%d bytes in %d lines, want %d in %d", len(records), len(left), one.Bytes, one.Lines)
		}
	}
	if whole != j.to.Sub(j.from) {
		j.Errorf("downloaded %s, want %s", whole, j.to.Sub(j.from))
	}
}

func (j *tenantOf) verifies() {
	j.Helper()
	var stages []gen.ProgressStage
	found, err := j.Verify(j.Context(), j.zone, "", func(p gen.Progress) { stages = append(stages, p.Stage) })
	j.must(err)
	if !found.Intact || found.Objects < 3 || found.Level != "content" || found.Chain == nil || found.Chain.Lines < 240 || found.Archive != archiveID || len(stages) == 0 {
		j.Errorf("after %v, the verification is %+v", stages, found)
	}
}

// isAlone asks as another customer.
func (j *tenantOf) isAlone(other *client.Client) {
	j.Helper()
	_, err := other.Zone(j.Context(), j.zone)
	j.refused("another's zone", api.CodeNotFound, err)
}

func (j *tenantOf) keys(own string) {
	j.Helper()
	made, err := j.AddKey(j.Context(), "reads", "auditor", time.Now().Add(time.Hour))
	j.must(err)
	auditor := j.client(j.base, made.Secret)
	_, err = auditor.Pull(j.Context(), j.zone)
	j.refused("a pull by the auditor", api.CodeForbidden, err)
	made, err = j.RotateKey(j.Context(), made.Id, 0)
	j.must(err)
	_, err = auditor.Me(j.Context())
	j.refused("the key that was rotated", api.CodeUnauthorized, err)
	auditor = j.client(j.base, made.Secret)
	_, err = auditor.Me(j.Context())
	j.must(err)
	j.must(j.RevokeKey(j.Context(), made.Id))
	_, err = auditor.Me(j.Context())
	j.refused("the key that was revoked", api.CodeUnauthorized, err)
	j.refused("the last admin key", api.CodeLastAdmin, j.RevokeKey(j.Context(), own))
	keys, err := j.Keys(j.Context())
	j.must(err)
	if len(keys) != 3 || keys[0].Id != own || keys[2].RevokedAt == nil {
		j.Errorf("keys are %+v", keys)
	}
}

func (j *tenantOf) removes() {
	j.Helper()
	yes, name := true, "renamed.example.eu"
	z, err := j.ChangeZone(j.Context(), j.zone, gen.ZonePatch{Paused: &yes, Name: &name})
	j.must(err)
	if !z.Paused || z.Name != name {
		j.Errorf("zone is %+v", z)
	}
	_, err = j.Pull(j.Context(), j.zone)
	j.refused("a pull of a paused zone", api.CodeConflict, err)
	j.must(j.RemoveZone(j.Context(), j.zone))
	_, err = j.Client.Zone(j.Context(), j.zone)
	j.refused("a zone that was removed", api.CodeNotFound, err)
}

// audits demands every act, in the order in which they were done.
func (j *tenantOf) audits() {
	j.Helper()
	var got []string
	for e, err := range j.Audit(j.Context()) {
		j.must(err)
		if e.Outcome == nil {
			j.Errorf("event %+v has not ended", e)
			continue
		}
		got = append(got, e.Action+" "+*e.Outcome)
	}
	slices.Reverse(got)
	want := []string{
		"customer.create 201", "zone.create 403", "zone.create 422", "zone.create 201", "zone.pull 202", "zone.verify 200",
		"api-key.create 201", "zone.pull 403", "api-key.rotate 201", "api-key.revoke 204", "api-key.revoke 409", "zone.change 200", "zone.pull 409", "zone.remove 204",
	}
	if !slices.Equal(got, want) {
		j.Errorf("audit log is %q, want %q", got, want)
	}
}
