package config

import (
	"fmt"
	"os"
	"strings"
)

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
		if info.Mode().Perm()&0o077 != 0 {
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
