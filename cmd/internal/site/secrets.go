package site

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/config"
)

// SecretsDigest sums up what the secrets of a config's plugins hold at present, so
// that a change shows. One that cannot be read counts as it is.
func SecretsDigest(cfg *config.Config, getenv func(string) string) [sha256.Size]byte {
	h := sha256.New()
	add := func(settings map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			ref := settings[name]
			if !strings.HasPrefix(ref, "env:") && !strings.HasPrefix(ref, "file:") {
				continue
			}
			value, err := config.Secret(name, ref, getenv)
			if err != nil {
				value = "unreadable"
			}
			sum := sha256.Sum256([]byte(value))
			_, _ = h.Write(sum[:]) // a hash never fails
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		add(cfg.Sources[name].Settings())
	}
	for _, s := range cfg.Archive.Storage {
		add(s.Settings())
	}
	return [sha256.Size]byte(h.Sum(nil))
}
