// Package credential encrypts customers' secrets for the catalog, by age
// (X25519): who has the database has no token, and neither has a backup of it.
//
// What is sealed says whose it is. A row that somebody moved to another
// customer, or to another name, does not open there.
//
// The keys are the operator's. Several may be in force: the first encrypts, all
// of them open. To change keys, put a new one first, reseal what there is, and
// take the old one away.
package credential

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
)

// The errors of Open.
var (
	ErrNoIdentity = errors.New("none of the identities opens it")
	ErrDamaged    = errors.New("it is damaged")
	ErrMoved      = errors.New("it was sealed for another customer or source")
)

// Secret is a text that is never printed.
type Secret string

const redacted = "[redacted]"

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Keyring are the operator's keys.
type Keyring struct {
	identities []age.Identity
	first      *age.X25519Recipient
}

// ParseKeyring reads identities as age-keygen writes them, a line each. No
// error repeats any of the text.
func ParseKeyring(text string) (*Keyring, error) {
	identities, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil { // age's own words may hold a letter of a key
		return nil, errors.New("want one or more age identities, a line each, such as age-keygen or rainlogsd credentials keygen makes")
	}
	k := &Keyring{identities: identities}
	for i, id := range identities {
		x, ok := id.(*age.X25519Identity)
		if !ok {
			return nil, fmt.Errorf("identity %d is not of age's X25519: want AGE-SECRET-KEY-1…", i+1)
		}
		if k.first == nil {
			k.first = x.Recipient()
		}
	}
	return k, nil
}

// Generate makes an identity, and returns its public key too.
func Generate() (identity Secret, recipient string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("generate identity: %w", err)
	}
	return Secret(id.String()), id.Recipient().String(), nil
}

// Recipient is the public key that Seal encrypts to.
func (k *Keyring) Recipient() string { return k.first.String() }

// sealed is what is encrypted.
type sealed struct {
	Customer string `json:"customer"`
	Source   string `json:"source"`
	Secret   string `json:"secret"`
}

// maxPlain bounds what is decrypted.
const maxPlain = 16 << 10

// Seal encrypts a customer's secret for one of its sources.
func (k *Keyring) Seal(customer, source string, secret Secret) ([]byte, error) {
	plain, err := json.Marshal(sealed{Customer: customer, Source: source, Secret: string(secret)})
	if err != nil {
		return nil, errors.New("seal credential: it is no UTF-8 text") // the error might quote it
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, k.first)
	if err == nil {
		_, err = w.Write(plain)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("seal credential: %w", err)
	}
	return b.Bytes(), nil
}

// Open decrypts what was sealed for that customer and source: ErrNoIdentity,
// ErrDamaged, ErrMoved.
func (k *Keyring) Open(customer, source string, b []byte) (Secret, error) {
	r, err := age.Decrypt(bytes.NewReader(b), k.identities...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return "", fmt.Errorf("open credential: %w", ErrNoIdentity)
	case err != nil:
		return "", fmt.Errorf("open credential: %w", ErrDamaged)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
	var s sealed
	if err != nil || len(plain) > maxPlain || json.Unmarshal(plain, &s) != nil {
		return "", fmt.Errorf("open credential: %w", ErrDamaged)
	}
	if s.Customer != customer || s.Source != source {
		return "", fmt.Errorf("open credential: %w", ErrMoved)
	}
	return Secret(s.Secret), nil
}
