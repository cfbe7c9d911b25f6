package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

const (
	tokenA = "acmes-own-token-never-to-be-seen"
	tokenB = "others-own-token-never-to-be-seen"
	wrong  = "a-token-that-cloudflare-does-not-know"
)

// tenants are two customers that collect with tokens of their own.
type tenants struct {
	*site
	*caller
	acme, other string // keys
	daemon      *process
}

func readLogs(id, value string, zones ...string) logpulltest.Token {
	return logpulltest.Token{ID: id, Value: value, Zones: zones, Permissions: []logpulltest.Permission{logpulltest.LogsRead}}
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	s := newSite(t, 3, time.Hour, rates{zone: 100_000, user: 100_000, five: 400_000}, logpulltest.Faults{}, func(cfg *logpulltest.Config) {
		cfg.Tokens = append(cfg.Tokens, readLogs("a", tokenA, zoneID(0), zoneID(2)), readLogs("b", tokenB, zoneID(1)))
	})
	s.catalog = "sqlite:./catalog.db"
	// A zone that waits for somebody does not come back by itself within the test.
	s.collector = `{window: 5m, lag: 5m, concurrency: 8, tick: 1s, recheck: 5m, drain: 10s, schedule: "* * * * *"}`
	s.must(os.WriteFile(filepath.Join(s.dir, "registration"), []byte(registration), 0o600))
	s.extra = "api: {listen: '127.0.0.1:0', registration: file:./registration, identity: file:./age.key}\n"
	if code, out, stderr := run(t, "credentials", "keygen", "--out", filepath.Join(s.dir, "age.key")); code != 0 || !strings.HasPrefix(out, "age1") {
		t.Fatalf("exit code %d\n%s%s", code, out, stderr)
	}
	p := s.start("one")
	x := &tenants{site: s, caller: s.api(p), daemon: p}
	for name, key := range map[string]*string{"Acme": &x.acme, "Other": &x.other} {
		var made api.Registered
		x.want(http.StatusCreated, "POST", "/v1/customers", registration, api.NewCustomer{Name: name}, &made)
		*key = made.Key.Secret
	}
	return x
}

// bring gives a customer's token to the server. An api.Secret is not printed by
// %v, but goes over the wire.
func (x *tenants) bring(key, source, token string) {
	x.site.Helper()
	body := x.want(http.StatusOK, "PUT", "/v1/sources/"+source, key, api.SourceToken{Token: api.Secret(token)}, nil)
	if strings.Contains(body, token) {
		x.site.Error("the token is told")
	}
}

func (x *tenants) zone(key, id, source string) (z api.Zone) {
	x.site.Helper()
	from := time.Now().UTC().Add(-30 * time.Minute).Truncate(5 * time.Minute)
	x.want(http.StatusCreated, "POST", "/v1/zones", key, api.NewZone{SourceZone: id, Name: zoneName(0), Source: source, From: from}, &z)
	return z
}

func (x *tenants) covered(key string, z api.Zone) {
	x.site.Helper()
	query := fmt.Sprintf("/v1/zones/%s/coverage?from=%s&to=%s", z.ID, z.From.Format(time.RFC3339), z.From.Add(20*time.Minute).Format(time.RFC3339))
	x.until("all of the range of "+z.SourceZone+" to be sealed", time.Minute, func() bool {
		var c api.Coverage
		x.want(http.StatusOK, "GET", query, key, nil, &c)
		return c.Complete
	})
}

// blocked waits for a zone to be blocked for that reason, "" for none.
func (x *tenants) blocked(key string, z api.Zone, reason string) {
	x.site.Helper()
	x.until(fmt.Sprintf("zone %s to be blocked for %q", z.SourceZone, reason), 30*time.Second, func() bool {
		var now api.Zone
		x.want(http.StatusOK, "GET", "/v1/zones/"+z.ID, key, nil, &now)
		return now.Blocked == reason
	})
}

// TestOwnTokens has two customers collect with tokens of their own: each token
// asks about its customer's zones and no others, a wrong one stops nobody else, a
// new one is used at once, and keys are changed while the daemon runs.
func TestOwnTokens(t *testing.T) {
	t.Parallel()
	x := newTenants(t)
	x.bring(x.acme, "logpull", tokenA)
	x.bring(x.other, "cf", tokenB)
	mine, theirs := x.zone(x.acme, zoneID(0), ""), x.zone(x.other, zoneID(1), "cf")
	x.covered(x.acme, mine)
	x.covered(x.other, theirs)
	if mine.Source != "logpull" || theirs.Source != "cf" {
		t.Errorf("zones are %+v and %+v", mine, theirs)
	}
	foreign := x.zone(x.other, zoneID(0), "cf") // its token does not open acme's zone
	x.blocked(x.other, foreign, "not_entitled")
	x.onlyBy(map[string]string{zoneID(0): "a", zoneID(1): "b"})

	x.bring(x.acme, "logpull", wrong)
	x.blocked(x.acme, mine, "credential")
	x.blocked(x.other, theirs, "")
	// What looks like a reference is not followed: the file has the right token.
	ref := filepath.Join(x.dir, "a.token")
	x.must(os.WriteFile(ref, []byte(tokenA), 0o600))
	for _, token := range []string{"file:" + ref, "env:RAINLOGS_THE_RIGHT_TOKEN"} {
		before := len(x.emulator.Served())
		x.bring(x.acme, "logpull", token)
		x.refused(before)
		x.blocked(x.acme, mine, "credential")
	}
	x.bring(x.acme, "logpull", tokenA)
	x.blocked(x.acme, mine, "")

	x.rotates()
	x.covered(x.acme, x.zone(x.acme, zoneID(2), "logpull"))
	x.takesAway(x.other, []api.Zone{theirs, foreign}, "cf")
	x.nothingTold()
}

// TestTokenThatDoesNotOpen: the key of the customers' tokens is another one. The
// customer is told that the operator has to look, and the operator why.
func TestTokenThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	x := newTenants(t)
	x.bring(x.acme, "mine", tokenA)
	path := filepath.Join(x.dir, "age.key")
	right, err := os.ReadFile(path)
	x.must(err)
	x.must(os.Remove(path))
	in := api.NewZone{SourceZone: zoneID(0), Name: zoneName(0), Source: "mine"}
	for _, why := range []string{"no such file", "none of the identities"} {
		body := x.want(http.StatusConflict, "POST", "/v1/zones", x.acme, in, nil)
		if !strings.Contains(body, "the operator of this server has to look") || strings.Contains(body, x.dir) {
			t.Errorf("the customer hears %s", body)
		}
		x.until(fmt.Sprintf("the log to say %q", why), time.Minute, func() bool { return strings.Contains(x.daemon.output.String(), why) })
		if code, _, stderr := run(t, "credentials", "keygen", "--out", path); code != 0 && why == "no such file" {
			t.Fatal(stderr)
		}
	}
	x.must(os.WriteFile(path, right, 0o600))
	x.want(http.StatusCreated, "POST", "/v1/zones", x.acme, in, nil)
}

// onlyBy demands that a zone's records went to that token's bearer alone.
func (x *tenants) onlyBy(tokens map[string]string) {
	x.site.Helper()
	for _, c := range x.emulator.Served() {
		if c.Endpoint == "received" && c.Status == http.StatusOK && c.Token != tokens[c.Zone] {
			x.site.Errorf("zone %s was pulled by token %q", c.Zone, c.Token)
		}
		if c.Token == "t" {
			x.site.Errorf("the operator's own token was used: %+v", c)
		}
	}
}

// refused waits for a call with a token that the source does not know, after as
// many as there were.
func (x *tenants) refused(before int) {
	x.site.Helper()
	x.until("a refused call", 30*time.Second, func() bool {
		return slices.ContainsFunc(x.emulator.Served()[before:], func(c logpulltest.Served) bool { return c.Status >= 400 && c.Token == "" })
	})
}

// rotates changes the keys, and takes the old one away.
func (x *tenants) rotates() {
	x.site.Helper()
	path, config := filepath.Join(x.dir, "age.key"), []string{"--config", filepath.Join(x.dir, "one.yaml"), "credentials"}
	older, err := os.ReadFile(path)
	x.must(err)
	if code, _, _ := run(x.site.T, append(config, "keygen", "--out", path)...); code != 2 {
		x.site.Errorf("exit code %d for a file that is there", code)
	}
	code, recipient, stderr := run(x.site.T, append(config, "keygen", "--out", path+".new")...)
	if code != 0 {
		x.site.Fatalf("exit code %d: %s", code, stderr)
	}
	newer, err := os.ReadFile(path + ".new")
	x.must(err)
	x.must(os.WriteFile(path, newer, 0o600)) // too early: the tokens do not open
	if code, out, stderr := run(x.site.T, append(config, "rotate", "--json")...); code != 1 || !strings.Contains(out, `"resealed": 0`) || !strings.Contains(stderr, "cannot be opened") {
		x.site.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	x.must(os.WriteFile(path, slices.Concat(newer, older), 0o600))
	if code, out, stderr := run(x.site.T, append(config, "rotate")...); code != 0 || !strings.HasPrefix(out, "2 tokens encrypted anew, 0 were already") {
		x.site.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	x.must(os.WriteFile(path, newer, 0o600))
	code, out, stderr := run(x.site.T, append(config, "list")...)
	if code != 0 || strings.Count(out, strings.TrimSpace(recipient)) != 2 || strings.Contains(out+stderr, tokenA) {
		x.site.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
}

// takesAway removes a source, whose plugin ends.
func (x *tenants) takesAway(key string, zones []api.Zone, source string) {
	x.site.Helper()
	x.want(http.StatusConflict, "DELETE", "/v1/sources/"+source, key, nil, nil)
	for _, z := range zones {
		x.want(http.StatusNoContent, "DELETE", "/v1/zones/"+z.ID, key, nil, nil)
	}
	before := x.plugins()
	x.want(http.StatusNoContent, "DELETE", "/v1/sources/"+source, key, nil, nil)
	x.until("its plugin to end", 30*time.Second, func() bool { return x.plugins() < before })
}

// plugins counts the processes that collect, and demands that the table of
// processes tells no secret.
func (x *tenants) plugins() (n int) {
	x.site.Helper()
	for _, pid := range x.daemon.children() {
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it may be gone
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if bytes.Contains(args, []byte("logpull")) {
			n++
		}
		x.untold("the process table", args, env)
	}
	return n
}

func (x *tenants) untold(where string, texts ...[]byte) {
	x.site.Helper()
	for _, text := range texts {
		for _, secret := range []string{tokenA, tokenB, wrong, "AGE-SECRET-KEY-", registration, token} {
			if bytes.Contains(text, []byte(secret)) {
				x.site.Errorf("%s has a secret: %s", where, secret)
			}
		}
	}
}

// nothingTold ends the daemon and looks for the secrets in what is left.
func (x *tenants) nothingTold() {
	x.site.Helper()
	var audit, sources string
	for _, key := range []string{x.acme, x.other} {
		audit += x.want(http.StatusOK, "GET", "/v1/audit", key, nil, nil)
		sources += x.want(http.StatusOK, "GET", "/v1/sources", key, nil, nil)
	}
	if !strings.Contains(audit, `"source.put"`) || !strings.Contains(audit, `"source.reseal"`) {
		x.site.Errorf("audit log is %s", audit)
	}
	if code := x.daemon.end(syscall.SIGTERM); code != 0 && code != 130 {
		x.site.Errorf("exit code %d\n%s", code, x.daemon.output)
	}
	x.untold("the API", []byte(audit), []byte(sources))
	x.untold("the log", []byte(x.daemon.output.String()))
	files, err := filepath.Glob(filepath.Join(x.dir, "catalog.db*"))
	x.must(err)
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil { // a folder is among them
			x.untold(filepath.Base(f), b)
		}
	}
	x.untold("the archive", []byte(strings.Join(textsBelow(x.site.T, filepath.Join(x.dir, "archive", "chain")), "\n")))
}

func textsBelow(t *testing.T, dir string) (texts []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		texts = append(texts, string(b))
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return texts
}
