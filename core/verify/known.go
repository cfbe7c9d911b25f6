package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Known remembers what this machine has seen of archives, like ssh's
// known_hosts: the key first seen and each chain's last verified checkpoint.
// It belongs on another disk than the archive. The zero Known remembers nothing.
type Known struct{ Dir string }

func (k Known) path(archive, name string) string { return filepath.Join(k.Dir, archive, name) }

func (k Known) read(archive, name string) ([]byte, error) {
	if k.Dir == "" {
		return nil, nil
	}
	b, err := os.ReadFile(k.path(archive, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read remembered %s: %w", name, err)
	}
	return b, nil
}

// write replaces a file whole.
func (k Known) write(archive, name string, b []byte) error {
	if k.Dir == "" {
		return nil
	}
	path := k.path(archive, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("remember %s: %w", name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return fmt.Errorf("remember %s: %w", name, err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // nothing was remembered
		return fmt.Errorf("remember %s: %w", name, err)
	}
	return nil
}

const knownKey = "vkey"

// Key returns the remembered verifier key of an archive, if any.
func (k Known) Key(archive string) (evidence.PublicKey, bool, error) {
	b, err := k.read(archive, knownKey)
	if err != nil || b == nil {
		return evidence.PublicKey{}, false, err
	}
	key, err := evidence.ParseVKey(strings.TrimSpace(string(b)))
	if err != nil {
		return key, false, fmt.Errorf("remembered key of archive %s: %w", archive, err)
	}
	return key, true, nil
}

// RememberKey keeps a key.
func (k Known) RememberKey(archive string, key evidence.PublicKey) error {
	return k.write(archive, knownKey, []byte(key.VKey()+"\n"))
}

func headName(id evidence.ChainID) string { return id.Zone + "-" + id.Dataset + ".checkpoint" }

func (k Known) headPath(archive string, id evidence.ChainID) string {
	return k.path(archive, headName(id))
}

// Head returns the chain's last verified checkpoint note, nil if none.
func (k Known) Head(archive string, id evidence.ChainID) ([]byte, error) {
	return k.read(archive, headName(id))
}

// RememberHead keeps a checkpoint note.
func (k Known) RememberHead(archive string, id evidence.ChainID, signed []byte) error {
	return k.write(archive, headName(id), signed)
}

// Heads returns the chains of which a head is remembered.
func (k Known) Heads(archive string) ([]evidence.ChainID, error) {
	if k.Dir == "" {
		return nil, nil
	}
	files, err := os.ReadDir(filepath.Join(k.Dir, archive))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read remembered heads: %w", err)
	}
	var ids []evidence.ChainID
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".checkpoint")
		zone, dataset, _ := strings.Cut(name, "-")
		if id, err := evidence.NewChainID(zone, dataset); ok && err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
