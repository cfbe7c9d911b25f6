package chain

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// PrivateKey is an archive's Ed25519 signing key. It prints redacted.
type PrivateKey struct {
	seed   []byte
	public evidence.PublicKey
}

// GenerateKey makes a new key under a name (evidence.KeyName of the archive).
func GenerateKey(rand io.Reader, name string) (PrivateKey, error) {
	skey, _, err := note.GenerateKey(rand, name)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("generate signing key: %w", err)
	}
	return ParsePrivateKey(skey)
}

var errPrivateKey = errors.New("not a signing key (want PRIVATE+KEY+name+hash+data, as rainlogs key generate writes)")

// ParsePrivateKey reads a key in the form of Go's note package. No part of a
// malformed key gets into the error.
func ParsePrivateKey(skey string) (PrivateKey, error) {
	skey = strings.TrimSpace(skey)
	if _, err := note.NewSigner(skey); err != nil {
		return PrivateKey{}, errPrivateKey
	}
	parts := strings.SplitN(skey, "+", 5) // the data's base64 may hold '+'
	raw, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return PrivateKey{}, errPrivateKey
	}
	k := PrivateKey{seed: raw[1:]}
	pub, ok := ed25519.NewKeyFromSeed(k.seed).Public().(ed25519.PublicKey)
	if !ok {
		return PrivateKey{}, errPrivateKey
	}
	vkey, err := note.NewEd25519VerifierKey(parts[2], pub)
	if err != nil {
		return PrivateKey{}, errPrivateKey
	}
	k.public, err = evidence.ParseVKey(vkey)
	return k, err
}

// Public returns the key to pin.
func (k PrivateKey) Public() evidence.PublicKey { return k.public }

// Marshal returns the secret text form, for a file of mode 0600.
func (k PrivateKey) Marshal() string { return k.skeyAs(k.public.Name()) }

// Signer returns the signer of the chain with that origin.
func (k PrivateKey) Signer(origin string) (note.Signer, error) {
	s, err := note.NewSigner(k.skeyAs(origin))
	if err != nil {
		return nil, fmt.Errorf("signer for %.200q: %w", origin, err)
	}
	return s, nil
}

func (k PrivateKey) skeyAs(name string) string {
	// The key hash is the second to last part of the matching vkey.
	rest := strings.TrimPrefix(k.public.VKeyFor(name), name+"+")
	hash, _, _ := strings.Cut(rest, "+")
	const algEd25519 = 1
	data := base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, k.seed...))
	return "PRIVATE+KEY+" + name + "+" + hash + "+" + data
}

// LogValue shows only the public half.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

func (k PrivateKey) String() string { return "private key of " + k.public.VKey() }

// GoString keeps the seed out of %#v.
func (k PrivateKey) GoString() string { return k.String() }
