package config

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// SecretExposed reports whether a file of a secret is open to more than whom it
// is for: its owner, and, of a file that root gave to a group, that group. The
// latter is how Kubernetes hands a secret to a pod (root's, of fsGroup, 0440) and how
// packages keep theirs (root:rainlogs 0640); what root reads itself is root's alone.
func SecretExposed(info fs.FileInfo) bool {
	open := fs.FileMode(0o077)
	if givenByRoot(info) {
		open = 0o037
	}
	return info.Mode().Perm()&open != 0
}

// Secret resolves a reference: env:NAME or file:PATH. A value given in the
// open is refused without being repeated.
func Secret(what, ref string, getenv func(string) string) (string, error) {
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		value := getenv(name)
		if value == "" {
			return "", fmt.Errorf("%s: environment variable %s is empty or not set", what, name)
		}
		return strings.TrimSpace(value), nil
	}
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		info, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		if SecretExposed(info) {
			return "", fmt.Errorf("%s: %s can be read by others (mode %04o): chmod 600 it", what, path, info.Mode().Perm())
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	return "", fmt.Errorf("%s: give it as env:NAME or file:PATH, never in the open", what)
}
