package server

import (
	"encoding/base32"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// A key is rl_PREFIX_SECRET: 60 bits by which it is found, and 256 that open.
const (
	keyMark     = "rl_"
	prefixBytes = 8  // 13 characters
	secretBytes = 32 // 52 characters, which bcrypt takes whole
	idBytes     = 10 // 16 characters
)

// text is for what people copy: letters and digits, no case.
var text = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func randomText(random io.Reader, n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return text.EncodeToString(b), nil
}

// parseKey takes a key apart. The form alone decides: nothing is looked up.
func parseKey(key string) (prefix, secret string, ok bool) {
	rest, ok := strings.CutPrefix(key, keyMark)
	if !ok {
		return "", "", false
	}
	prefix, secret, ok = strings.Cut(rest, "_")
	return prefix, secret, ok && wellFormed(prefix, prefixBytes) && wellFormed(secret, secretBytes)
}

func wellFormed(s string, bytes int) bool {
	if len(s) != text.EncodedLen(bytes) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// Mint makes a key. Its secret is in the text that is returned, and nowhere else.
func Mint(random io.Reader, cost int, now time.Time, customer, name string, role tenant.Role, expires time.Time) (tenant.Key, string, error) {
	var parts [3]string
	for i, n := range []int{idBytes, prefixBytes, secretBytes} {
		var err error
		if parts[i], err = randomText(random, n); err != nil {
			return tenant.Key{}, "", err
		}
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(parts[2]), cost)
	if err != nil {
		return tenant.Key{}, "", fmt.Errorf("hash key: %w", err)
	}
	k := tenant.Key{
		ID: parts[0], Customer: customer, Name: name, Role: role, Prefix: parts[1], Hash: hash,
		CreatedAt: now.UTC().Truncate(time.Millisecond), ExpiresAt: expires.UTC().Truncate(time.Millisecond),
	}
	if expires.IsZero() {
		k.ExpiresAt = time.Time{}
	}
	return k, keyMark + parts[1] + "_" + parts[2], nil
}
