package credential_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/credential"
)

const token = credential.Secret("cf-token-that-must-never-be-seen")

func keyring(t testing.TB, identities ...credential.Secret) *credential.Keyring {
	t.Helper()
	lines := "# made by a test\n"
	for _, id := range identities {
		lines += string(id) + "\n"
	}
	k, err := credential.ParseKeyring(lines)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func identity(t testing.TB) credential.Secret {
	t.Helper()
	id, recipient, err := credential.Generate()
	if err != nil || !strings.HasPrefix(recipient, "age1") {
		t.Fatalf("%v, recipient is %q", err, recipient)
	}
	return id
}

func TestSealed(t *testing.T) {
	t.Parallel()
	older, newer := identity(t), identity(t)
	before, both, after := keyring(t, older), keyring(t, newer, older), keyring(t, newer)
	sealed, err := before.Seal("acme", "own", token)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte(token)) || bytes.Contains(sealed, []byte("acme")) {
		t.Error("it is in the open")
	}
	again, err := before.Seal("acme", "own", token)
	if err != nil || bytes.Equal(sealed, again) {
		t.Errorf("%v, or two are the same", err)
	}
	for _, k := range []*credential.Keyring{before, both} {
		if got, err := k.Open("acme", "own", sealed); err != nil || got != token {
			t.Errorf("opened with %v", err)
		}
	}
	if _, err := after.Open("acme", "own", sealed); !errors.Is(err, credential.ErrNoIdentity) {
		t.Errorf("the key is gone: %v", err)
	}
	if both.Recipient() != after.Recipient() || both.Recipient() == before.Recipient() {
		t.Error("it is not the first that encrypts")
	}
	resealed, err := both.Seal("acme", "own", token)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := after.Open("acme", "own", resealed); err != nil || got != token {
		t.Errorf("resealed: %v", err)
	}
}

// What was moved to another's row, or changed in any byte, does not open.
func TestTampered(t *testing.T) {
	t.Parallel()
	k := keyring(t, identity(t))
	sealed, err := k.Seal("acme", "own", token)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range [][2]string{{"other", "own"}, {"acme", "second"}, {"acm", "eown"}, {"", ""}} {
		if _, err := k.Open(of[0], of[1], sealed); !errors.Is(err, credential.ErrMoved) {
			t.Errorf("as %v: %v", of, err)
		}
	}
	for at := range sealed {
		spoiled := bytes.Clone(sealed)
		spoiled[at] ^= 1
		if _, err := k.Open("acme", "own", spoiled); err == nil {
			t.Errorf("byte %d was changed, and it opens", at)
		}
		if _, err := k.Open("acme", "own", sealed[:at]); err == nil {
			t.Errorf("cut at %d, it opens", at)
		}
	}
}

// No error, print or log has a secret in it.
func TestNeverPrinted(t *testing.T) {
	t.Parallel()
	id := identity(t)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token, "in", struct{ Token credential.Secret }{token})
	asJSON, err := json.Marshal(map[string]any{"token": token})
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprintf("%v %+v %#v %s %q", token, token, token, token, token) + log.String() + string(asJSON)
	for _, text := range []string{"", "x", string(id)[:40], strings.ToLower(string(id)), string(id) + "x", "AGE-SECRET-KEY-PQ-1" + string(id)[16:], string(id)[:70] + "!!!!"} {
		_, err := credential.ParseKeyring(text)
		if err == nil {
			t.Errorf("%d characters are taken", len(text))
			continue
		}
		said += err.Error()
	}
	if strings.Contains(said, string(token)) || strings.Contains(said, string(id)[20:30]) || strings.Contains(said, "!!!!") {
		t.Errorf("a secret is in what was said: %s", said)
	}
}

func FuzzOpen(f *testing.F) {
	k := keyring(f, identity(f))
	sealed, err := k.Seal("acme", "own", token)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte("age-encryption.org/v1\n-> X25519 x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := k.Open("acme", "own", b); err == nil && (got != token || !bytes.Equal(b, sealed)) {
			t.Error("something else opens")
		}
	})
}
