package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/crypto/bcrypt"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// errNoKey is all that is told of a key that opens nothing: that it is unknown,
// revoked, expired or malformed is the same to who holds it.
var errNoKey = errors.New("the API key is missing or opens nothing here")

const (
	// freshFor is how long a key's row is believed: what another node revokes
	// ends here within this and the time of one question.
	freshFor = 500 * time.Millisecond
	// useEvery is how often a key's use is noted.
	useEvery = time.Minute
	// verifiedKeys bounds the keys that need no bcrypt.
	verifiedKeys = 10_000
)

// authenticator knows who a key is. bcrypt is asked once for each key; after
// that, the row is read again now and then, and its hash must be the one that
// the key was verified against.
type authenticator struct {
	now        func() time.Time
	verified   *lru.Cache[[sha256.Size]byte, verified]
	revoked    atomic.Int64  // counts revocations: what was read before one is not cached
	turns      chan struct{} // bounds bcrypt at work
	decoy      []byte        // what an unknown key is compared with, at the same price
	compare    func(hash, secret []byte) error
	noteFailed func(ctx context.Context, err error)
}

type verified struct {
	key    tenant.Key
	readAt time.Time
}

func newAuthenticator(cost int, now func() time.Time, noteFailed func(context.Context, error)) (*authenticator, error) {
	cache, err := lru.New[[sha256.Size]byte, verified](verifiedKeys)
	if err != nil {
		return nil, fmt.Errorf("make key cache: %w", err)
	}
	decoy, err := bcrypt.GenerateFromPassword([]byte("nobody's"), cost)
	if err != nil {
		return nil, fmt.Errorf("make decoy: %w", err)
	}
	return &authenticator{
		now: now, verified: cache, turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), decoy: decoy,
		compare: bcrypt.CompareHashAndPassword, noteFailed: noteFailed,
	}, nil
}

// cheap reports whether a key can be judged without bcrypt.
func (a *authenticator) cheap(key string) bool {
	return a.verified.Contains(sha256.Sum256([]byte(key)))
}

// authenticate returns the key's row, or errNoKey. Another error is the
// store's: who cannot be known is not let in.
func (a *authenticator) authenticate(ctx context.Context, store tenant.Store, key string) (tenant.Key, error) {
	prefix, secret, ok := parseKey(key)
	if !ok {
		return tenant.Key{}, errNoKey
	}
	sum, now := sha256.Sum256([]byte(key)), a.now()
	known, cached := a.verified.Get(sum)
	if cached && fresh(known.readAt, now) {
		return usable(known.key, now)
	}
	revoked := a.revoked.Load()
	row, err := store.KeyByPrefix(ctx, prefix)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return tenant.Key{}, err //nolint:wrapcheck // says what it did
	}
	found := err == nil
	if !found || !cached || !bytes.Equal(row.Hash, known.key.Hash) {
		a.verified.Remove(sum)
		if err := a.verify(ctx, row.Hash, secret); err != nil {
			return tenant.Key{}, err
		}
		if !found {
			return tenant.Key{}, errNoKey // not even the decoy's secret opens
		}
	}
	if a.revoked.Load() == revoked {
		a.verified.Add(sum, verified{row, now})
	}
	row, err = usable(row, now)
	if err == nil && now.Sub(row.UsedAt) >= useEvery {
		if err := store.UseKey(ctx, row.ID, now); err != nil {
			a.noteFailed(ctx, err)
		}
	}
	return row, err
}

func usable(k tenant.Key, now time.Time) (tenant.Key, error) {
	if !k.Usable(now) {
		return tenant.Key{}, errNoKey
	}
	return k, nil
}

// verify compares a secret with a hash, nil for that of no key. It takes as
// long either way.
func (a *authenticator) verify(ctx context.Context, hash []byte, secret string) error {
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the request's own end
	}
	if hash == nil {
		hash = a.decoy
	}
	if err := a.compare(hash, []byte(secret)); err != nil {
		return errNoKey
	}
	return nil
}

// forget has every key be read anew: one of them has ended.
func (a *authenticator) forget() {
	a.revoked.Add(1)
	for _, sum := range a.verified.Keys() {
		if v, ok := a.verified.Peek(sum); ok {
			v.readAt = time.Time{}
			a.verified.Add(sum, v)
		}
	}
}
