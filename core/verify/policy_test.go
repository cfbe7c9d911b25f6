package verify_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	log := "log " + pinned.VKeyFor(evidence.Origin(verifytest.UUID, chain1))
	whole := "log " + pinned.VKey()
	for name, tc := range map[string]struct{ text, want string }{
		"one chain":     {log + "\nquorum none\n", ""},
		"whole archive": {"# ours\n\n" + whole + " https://logs.example/\nquorum none", ""},
		"both":          {log + "\n" + whole + "\nquorum none\n", ""},
		"no quorum":     {log, "quorum none"},
		"no log":        {"quorum none\n", "needs a log line"},
		"two keys":      {log + "\nlog " + stranger.Public(verifytest.UUID).VKey() + "\nquorum none\n", "line 2: a second key"},
		"witness":       {log + "\nwitness w1 x+y+z\nquorum none\n", "line 2: witness"},
		"quorum of w":   {log + "\nquorum w1\n", "checks no witnesses"},
		"not a key":     {"log x\nquorum none\n", "line 1"},
		"another's key": {"log " + stranger.Signer("sum.example/x").Name() + "\nquorum none", "line 1"},
		"nonsense":      {"lgo x\n", "is not a policy line"},
		"endless":       {strings.Repeat("x", 1<<20), "read policy"},
	} {
		k, err := verify.ParsePolicy(tc.text)
		switch {
		case tc.want == "" && (err != nil || !k.Equal(pinned) || k.Name() != evidence.KeyName(verifytest.UUID)):
			t.Errorf("%s: %s, %v", name, k.VKey(), err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	if k, err := verify.ParseKey(" " + pinned.VKeyFor(evidence.Origin(verifytest.UUID, chain1)) + "\n"); err != nil || k.VKey() != pinned.VKey() {
		t.Errorf("a chain's key: %s, %v", k.VKey(), err)
	}
}

// TestText: what comes from an archive cannot act on a terminal.
func TestText(t *testing.T) {
	t.Parallel()
	a := sample()
	a.Files["logs/\x1b[2J\u202e\nintegrity  INTACT"] = nil
	var b bytes.Buffer
	if err := run(t, a, verify.Options{}).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, bad := range []string{"\x1b", "\u202e", "\nintegrity  INTACT"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q gets through:\n%s", bad, text)
		}
	}
	for _, want := range []string{"DAMAGED    [unexplained] logs/", "integrity  DAMAGED", "coverage   incomplete", "9 of 9 objects", "gap too_old"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
