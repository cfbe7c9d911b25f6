package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestServerSources brings a token over the API, which is seen nowhere, and
// collects with it.
func TestServerSources(t *testing.T) {
	t.Parallel()
	s := newOverAPI(t)
	if out := s.done("source", "list", "--json"); out != "[]\n" {
		t.Errorf("sources are %s", out)
	}
	wrong, right := strings.Repeat("w", 40), filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(right, []byte(token+"\n"), 0o600))
	add := func(in string, args ...string) result {
		t.Helper()
		cmd := s.command("demo") // without --config
		cmd.Args = append(cmd.Args[:1], append([]string{"--server", s.url, "--api-key-file", s.keyFile, "source", "add"}, args...)...)
		cmd.Dir, cmd.Stdin = t.TempDir(), strings.NewReader(in)
		r := runCommand(t, cmd)
		if text := strings.TrimSpace(in); text != "" && strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("%v repeats what it read", args)
		}
		return r
	}
	if r := add(wrong+"\n", "mine"); r.code != 0 || !strings.Contains(r.stderr, "source mine collects") {
		t.Fatalf("from standard input: %+v", r)
	}
	first := s.sources()
	if len(first) != 1 || first[0].Name != "mine" || !first[0].Own || first[0].Plugin != "logpull" || first[0].TokenSetAt.IsZero() {
		t.Fatalf("sources are %+v", first)
	}
	if r := add("", "mine", "--token-file", right); r.code != 0 {
		t.Fatalf("from a file: %+v", r)
	}
	if then := s.sources(); !then[0].TokenSetAt.After(first[0].TokenSetAt) || !cmp.Equal(then[0].CreatedAt, first[0].CreatedAt) {
		t.Errorf("source was %+v, is %+v", first[0], then[0])
	}
	if out := s.done("source", "list"); !strings.Contains(out, "mine") || !strings.Contains(out, "the customer's") || strings.Contains(out, token) {
		t.Errorf("source list: %s", out)
	}
	s.collectsWith("mine")
	for _, c := range []struct {
		in   string
		args []string
		code int
		says string
	}{
		{"", []string{"mine"}, 2, "this is no token"},
		{"two\nlines", []string{"mine"}, 2, "this is no token"},
		{strings.Repeat("x", 5000), []string{"mine"}, 2, "this is no token"},
		{"short", []string{"mine"}, 2, "validation failed"},
		{wrong, []string{"logpull"}, 1, "has a source of this name"},
		{wrong, []string{"Token.That.Was.Pasted"}, 2, "what the source is to be called"},
		{wrong, nil, 2, ""},
		{"", []string{"mine", "--token-file", s.dir}, 2, ""},
	} {
		r := add(c.in, c.args...)
		s.refuses(c.code, c.says, r)
		if strings.Contains(r.stderr, "Pasted") {
			t.Errorf("%v is repeated: %s", c.args, r.stderr)
		}
	}
	s.refuses(1, "remove them first", s.remote("source", "remove", "mine"))
	s.done("zone", "remove", "shop.example.eu")
	s.done("source", "remove", "mine")
	s.refuses(2, "has brought no source", s.remote("source", "remove", "mine"))
	if r := s.run("source", "list"); r.code != 2 || !strings.Contains(r.stderr, "want --server") {
		t.Errorf("beside the archive: %+v", r)
	}
	if strings.Contains(s.logged.String(), token) || strings.Contains(s.logged.String(), wrong) {
		t.Error("the collector's log has a token")
	}
}

type sourceOfList struct {
	Name, Plugin string
	Own          bool
	CreatedAt    time.Time `json:"created_at"`
	TokenSetAt   time.Time `json:"token_set_at"`
}

func (s *overAPI) sources() (all []sourceOfList) {
	s.t.Helper()
	must(s.t, json.Unmarshal([]byte(s.done("source", "list", "--json")), &all))
	return all
}

func (s *overAPI) collectsWith(source string) {
	s.t.Helper()
	if r := s.remote("zone", "add", zoneID, "--name", "shop.example.eu", "--source", source); r.code != 0 {
		s.t.Fatalf("zone add: %+v", r)
	}
	s.done("pull", "shop.example.eu")
	s.until("a window that is sealed", func() bool { return s.done("jobs", "list", "--state", "sealed", "--json") != "[]\n" })
}
