package pluginhost

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// ErrUntrusted: a plugin's file or folder is not one that the host may run.
var ErrUntrusted = errors.New("plugin is not trusted")

// Find returns the program of a third party's plugin in the plugin folder:
// rainlogs-KIND-NAME, which must be a regular executable file that, like the
// folder, only its owner (root or the host's user) can write. A link that
// leads out of the folder is refused.
func Find(folder, kind, name string) (string, error) {
	if kind != wire.KindSource && kind != wire.KindStorage || !wire.ValidName(name) {
		return "", fmt.Errorf("find plugin: no such name: %.40q %.40q", kind, name)
	}
	dir, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", fmt.Errorf("find plugin folder: %w", err)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find plugin folder: %w", err)
	}
	path, err := filepath.EvalSymlinks(filepath.Join(dir, FileName(kind, name)))
	if err != nil {
		return "", fmt.Errorf("find plugin: %w", err)
	}
	if !strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") {
		return "", fmt.Errorf("find plugin: %w: link leads out of %s", ErrUntrusted, dir)
	}
	return path, checkFile(path)
}

// Digest returns the SHA-256 of a program in lower-case hex, which is its pin.
// A program that someone else could exchange is refused.
func Digest(path string) (string, error) {
	if err := checkFile(path); err != nil {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hash plugin: %w", err)
	}
	defer func() { _ = file.Close() }() // only read from
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("hash plugin: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// checkPin makes sure that the program is the one that was pinned, with a
// hash of its own each time. Nobody but the owner can exchange it between
// here and its start: checkFile has seen to that.
func checkPin(path, pin string) error {
	have, err := Digest(path)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(have), []byte(pin)) != 1 {
		return fmt.Errorf("%w: %s has SHA-256 %s, pinned is %s", ErrUntrusted, path, have, pin)
	}
	return nil
}

// checkFile refuses a program that someone else could exchange.
func checkFile(path string) error {
	fi, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("check plugin: %w", err)
	}
	if !fi.Mode().IsRegular() || fi.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%w: %s is not an executable file", ErrUntrusted, path)
	}
	if err := checkOwner(path, fi); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	fi, err = os.Stat(dir)
	if err != nil {
		return fmt.Errorf("check plugin folder: %w", err)
	}
	return checkOwner(dir, fi)
}

func checkOwner(path string, fi os.FileInfo) error {
	if fi.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%w: %s can be written by others (mode %04o)", ErrUntrusted, path, fi.Mode().Perm())
	}
	if owner, ok := ownerOf(fi); ok && owner != 0 && owner != os.Geteuid() {
		return fmt.Errorf("%w: %s belongs to user %d", ErrUntrusted, path, owner)
	}
	return nil
}
