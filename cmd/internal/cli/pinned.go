package cli

import (
	"os"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// pinnedKey reads --key: a verifier key, or the file that has it.
func pinnedKey(text string) (evidence.PublicKey, error) {
	if b, err := os.ReadFile(text); err == nil { // else it is the key itself
		text = string(b)
	}
	k, err := verify.ParseKey(text)
	if err != nil {
		return k, site.Usagef("--key is neither a file nor a verifier key: %w", err)
	}
	return k, nil
}
