package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
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
//
// Names are matched with their case, and times have one form: two readers of
// the same bytes must never read two different entries.
func Decode(b []byte) (*Entry, error) {
	if len(b) > MaxEntry {
		return nil, fmt.Errorf("decode entry of %d bytes: %w", len(b), ErrTooLarge)
	}
	e, plain := decodePlain(b)
	if !plain {
		var err error
		if e, err = decodeAny(b); err != nil {
			return nil, fmt.Errorf("decode entry: %w", err)
		}
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("decode entry: %w", err)
	}
	return e, nil
}

// decodeAny reads any entry, and is the measure of what decodePlain may take.
func decodeAny(b []byte) (*Entry, error) {
	if err := checkCanonical(b); err != nil {
		return nil, err
	}
	var e Entry
	if err := jsonv2.Unmarshal(b, &e, exactTimes); err != nil {
		var version struct {
			V int `json:"v"`
		}
		if jsonv2.Unmarshal(b, &version) == nil && version.V > Version {
			return nil, fmt.Errorf("v %d: %w", version.V, ErrNewer)
		}
		return nil, fmt.Errorf("read members: %w", err)
	}
	return &e, nil
}

// exactTimes refuses times that Encode would not have written: another zone
// than UTC, or zeros at the end of the fraction.
var exactTimes = jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, t *time.Time) error {
	v, err := dec.ReadValue()
	if err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	if v.Kind() == 'n' {
		return nil // as for every other member: null is absence
	}
	if v[0] != '"' {
		return errTime
	}
	parsed, err := parseTime(v[1 : len(v)-1])
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}))

// parseTime reads a time in the one form that Encode writes.
func parseTime(text []byte) (time.Time, error) {
	if len(text) < len("0000-00-00T00:00:00Z") {
		return time.Time{}, errTime
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return time.Time{}, fmt.Errorf("read time: %w", err)
	}
	var form [len(time.RFC3339Nano)]byte
	if !bytes.Equal(t.AppendFormat(form[:0], time.RFC3339Nano), text) || text[len(text)-1] != 'Z' {
		return time.Time{}, errTime
	}
	return t, nil
}

var (
	errNotCanonical = errors.New("bytes are not in RFC 8785 canonical form")
	errTime         = errors.New("time is not in the one form: RFC 3339, UTC, no zeros at the fraction's end")
)

// checkCanonical reports whether b is a JSON object in canonical form. What the
// fast path does not know the slow one decides.
func checkCanonical(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return errNotCanonical
	}
	if plainCanonical(b) {
		return nil
	}
	return remakeCanonical(b)
}

// remakeCanonical re-makes the canonical form and compares. jsontext refuses
// duplicate names and invalid UTF-8 on the way.
func remakeCanonical(b []byte) error {
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
