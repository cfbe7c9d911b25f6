package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

const (
	// sessionCookie is sent to this host alone, and over TLS alone: browsers
	// demand both of the prefix.
	sessionCookie = "__Host-rainlogs"
	// sessionIdle is for how long one is signed in whose page is closed; one
	// that is open asks again in time. Nobody is for longer than sessionMost.
	sessionIdle = time.Hour
	sessionMost = 12 * time.Hour
	renewBefore = 45 * time.Minute
)

// session says that somebody had the key of a prefix at a time, and until when
// that is good. It is signed with the key's hash, which every node has and no
// client: nothing is kept of it, and it ends with its key.
type session struct {
	prefix       string
	since, until time.Time
}

var sessionForm = regexp.MustCompile(`^([a-z2-7]{13})\.([0-9]{1,11})\.([0-9]{1,11})\.([A-Za-z0-9_-]{43})$`)

func (s session) text() string {
	return fmt.Sprintf("%s.%d.%d", s.prefix, s.since.Unix(), s.until.Unix())
}

func (s session) mac(hash []byte) []byte {
	m := hmac.New(sha256.New, hash)
	_, _ = m.Write([]byte("rainlogs status page\x00" + s.text())) // a hash never fails
	return m.Sum(nil)
}

func (s session) cookie(hash []byte, now time.Time) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: s.text() + "." + base64.RawURLEncoding.EncodeToString(s.mac(hash)), Path: "/",
		MaxAge: int(s.until.Sub(now) / time.Second), Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

// begun is the session of somebody who has just shown a key.
func begun(prefix string, now time.Time) session {
	return session{prefix: prefix, since: now, until: now.Add(sessionIdle)}
}

// renewed is the session for longer, if it is time for that.
func (s session) renewed(now time.Time) (session, bool) {
	last := s.since.Add(sessionMost)
	if s.until.Sub(now) >= renewBefore || !s.until.Before(last) {
		return s, false
	}
	s.until = earlier(now.Add(sessionIdle), last)
	return s, true
}

// recall finds out who is signed in: errNoKey if nobody is, or the key has ended.
func (s *Server) recall(ctx context.Context, store tenant.Keys, r *http.Request) (session, tenant.Key, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, tenant.Key{}, errNoKey
	}
	m := sessionForm.FindStringSubmatch(c.Value)
	if m == nil {
		return session{}, tenant.Key{}, errNoKey
	}
	since, errSince := strconv.ParseInt(m[2], 10, 64)
	until, errUntil := strconv.ParseInt(m[3], 10, 64)
	given, err := base64.RawURLEncoding.DecodeString(m[4])
	now := s.cfg.Now()
	in := session{prefix: m[1], since: time.Unix(since, 0), until: time.Unix(until, 0)}
	if errors.Join(errSince, errUntil, err) != nil || !now.Before(in.until) {
		return session{}, tenant.Key{}, errNoKey
	}
	key, err := store.KeyByPrefix(ctx, in.prefix)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return session{}, tenant.Key{}, err //nolint:wrapcheck // says what it did
	}
	if err != nil || !hmac.Equal(given, in.mac(key.Hash)) || !key.Usable(now) {
		return session{}, tenant.Key{}, errNoKey
	}
	return in, key, nil
}
