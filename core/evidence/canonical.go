package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Encode validates an entry and returns its one byte form: JSON in the JSON
// Canonicalization Scheme, RFC 8785.
func Encode(e *Entry) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode entry %d: %w", e.Seq, err)
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("canonicalize entry %d: %w", e.Seq, err)
	}
	if len(v) > MaxEntry {
		return nil, fmt.Errorf("entry %d has %d bytes: %w", e.Seq, len(v), ErrTooLarge)
	}
	return v, nil
}

// Decode reads an entry and refuses any bytes that are not canonical, so that
// Encode∘Decode is the identity on the members this version knows. Members it
// does not know stay in the bytes, which are what is hashed and kept.
func Decode(b []byte) (*Entry, error) {
	if len(b) > MaxEntry {
		return nil, fmt.Errorf("decode entry of %d bytes: %w", len(b), ErrTooLarge)
	}
	if err := checkCanonical(b); err != nil {
		return nil, fmt.Errorf("decode entry: %w", err)
	}
	var e Entry
	if err := json.Unmarshal(b, &e); err != nil {
		var version struct{ V int }
		if json.Unmarshal(b, &version) == nil && version.V > Version {
			return nil, fmt.Errorf("decode entry with v %d: %w", version.V, ErrNewer)
		}
		return nil, fmt.Errorf("decode entry: %w", err)
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("decode entry: %w", err)
	}
	return &e, nil
}

var errNotCanonical = errors.New("bytes are not in RFC 8785 canonical form")

// checkCanonical re-makes the canonical form and compares. jsontext refuses
// duplicate names and invalid UTF-8 on the way.
func checkCanonical(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return errNotCanonical
	}
	v := jsontext.Value(bytes.Clone(b))
	if err := v.Canonicalize(); err != nil {
		return fmt.Errorf("%w: %w", errNotCanonical, err)
	}
	if !bytes.Equal(v, b) {
		return errNotCanonical
	}
	return nil
}

// HashEntry returns the digest that the next entry's prev holds.
func HashEntry(b []byte) Digest { return sha256.Sum256(b) }

// SealTime rounds a time to what sealed_at and retrieved_at hold: UTC, milliseconds.
func SealTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
