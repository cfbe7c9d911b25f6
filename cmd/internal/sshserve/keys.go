package sshserve

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"
)

const (
	// readOnly is the option of a key that may only read.
	readOnly = "read-only"
	maxKeys  = 1 << 20 // bytes of a file of keys
)

// honoured are options that ask for what is so anyway, or that are ours.
var honoured = []string{readOnly, "restrict", "pty", "no-agent-forwarding", "no-port-forwarding", "no-x11-forwarding", "no-user-rc"}

// access is what a key may do.
type access uint8

const (
	none access = iota
	reads
	all
)

// keyFiles are the files that list who gets in.
type keyFiles struct {
	authorized string
	readers    string // each key in it may only read; "" for none
}

// check says what is wrong with the files, so that it is known before anybody comes.
func (k keyFiles) check() error {
	n := 0
	for _, path := range []string{k.authorized, k.readers} {
		if path == "" {
			continue
		}
		keys, err := readKeys(path)
		if err != nil {
			return err
		}
		n += len(keys)
	}
	if n == 0 {
		return fmt.Errorf("no key in %s lets anybody in", k.authorized)
	}
	return nil
}

// access is what a key may do now. The lesser right wins.
func (k keyFiles) access(key gossh.PublicKey) (access, error) {
	found := none
	for _, path := range []string{k.authorized, k.readers} {
		if path == "" {
			continue
		}
		keys, err := readKeys(path)
		if err != nil {
			return none, err
		}
		for _, listed := range keys {
			if !bytes.Equal(listed.key.Marshal(), key.Marshal()) {
				continue
			}
			if listed.reads || path == k.readers {
				return reads, nil
			}
			found = all
		}
	}
	return found, nil
}

type listedKey struct {
	key   gossh.PublicKey
	reads bool
}

// readKeys returns the keys of a file. A line that cannot be honoured is an
// error: whoever wrote it means something by it.
func readKeys(path string) ([]listedKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read authorised keys: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read authorised keys: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("authorised keys %s is not a plain file", path)
	case info.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("authorised keys %s can be written by others than its owner: chmod go-w", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeys+1))
	if err != nil {
		return nil, fmt.Errorf("read authorised keys: %w", err)
	}
	if len(b) > maxKeys {
		return nil, fmt.Errorf("authorised keys %s has more than %d bytes", path, maxKeys)
	}
	return parseKeys(path, b)
}

func parseKeys(path string, b []byte) (out []listedKey, err error) {
	n := 0
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, options, rest, err := gossh.ParseAuthorizedKey(line)
		if err != nil || len(rest) > 0 {
			return nil, fmt.Errorf("authorised keys %s, line %d, is no key", path, n)
		}
		listed := listedKey{key: key}
		for _, o := range options {
			if !slices.Contains(honoured, strings.ToLower(o)) {
				return nil, fmt.Errorf("authorised keys %s, line %d: option %.40q is not honoured here (known: %s)", path, n, o, strings.Join(honoured, ", "))
			}
			listed.reads = listed.reads || strings.EqualFold(o, readOnly)
		}
		out = append(out, listed)
	}
	return out, nil
}

// hostKey returns the key of a file, which is made if there is none.
func hostKey(path string) (gossh.Signer, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := makeHostKey(path); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read host key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("host key %s can be read by others than its owner: chmod 600, or remove it and be another host to everybody", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read host key: %w", err)
	}
	signer, err := gossh.ParsePrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("read host key %s: it is damaged", path) // without what the parser saw of it
	}
	return signer, nil
}

// makeHostKey makes a key whole or not at all; of two that do at once, one is kept.
func makeHostKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make host key: %w", err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make host key: %w", err)
	}
	block, err := gossh.MarshalPrivateKey(private, "rainlogs")
	if err != nil {
		return fmt.Errorf("make host key: %w", err)
	}
	f, err := os.CreateTemp(dir, ".host-key.*") // 0600
	if err != nil {
		return fmt.Errorf("make host key: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // its other name stays
	err = pem.Encode(f, block)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("make host key: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make host key: %w", err)
	}
	return nil
}
