package verify

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// ParsePolicy reads a C2SP tlog-policy and returns the archive key that all of
// its logs share. Witnesses are refused in words until this program can check
// their cosignatures: a policy must never be less strict than it reads.
func ParsePolicy(text string) (evidence.PublicKey, error) {
	var key evidence.PublicKey
	have, quorum := false, false
	scan := bufio.NewScanner(strings.NewReader(text))
	for n := 1; scan.Scan(); n++ {
		words := strings.Fields(scan.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		switch {
		case words[0] == "log" && (len(words) == 2 || len(words) == 3):
			k, err := evidence.ParseVKey(words[1])
			if err != nil {
				return key, fmt.Errorf("policy line %d: %w", n, err)
			}
			if have && !k.Equal(key) {
				return key, fmt.Errorf("policy line %d: a second key; one archive has one key", n)
			}
			if key, err = archiveKey(k); err != nil {
				return key, fmt.Errorf("policy line %d: %w", n, err)
			}
			have = true
		case words[0] == "quorum" && len(words) == 2 && words[1] == "none":
			quorum = true
		case words[0] == "witness", words[0] == "group", words[0] == "quorum":
			return key, fmt.Errorf("policy line %d: %s: this version checks no witnesses, only \"quorum none\"", n, words[0])
		default:
			return key, fmt.Errorf("policy line %d: %.40q is not a policy line", n, words[0])
		}
	}
	if err := scan.Err(); err != nil {
		return key, fmt.Errorf("read policy: %w", err)
	}
	if !have || !quorum {
		return key, errors.New("policy needs a log line and \"quorum none\"")
	}
	return key, nil
}

// archiveKey names a key after its archive, whether it came under that name
// or under a chain's origin.
func archiveKey(k evidence.PublicKey) (evidence.PublicKey, error) {
	parts := strings.Split(k.Name(), "/")
	if len(parts) < 2 || parts[0] != "rainlogs" {
		return k, fmt.Errorf("key %.80q is not a RainLogs archive's", k.Name())
	}
	return evidence.ParseVKey(k.VKeyFor(evidence.KeyName(parts[1]))) //nolint:wrapcheck // says what it did
}

// ParseKey reads a pinned key: a vkey under the archive's name or a chain's origin.
func ParseKey(text string) (evidence.PublicKey, error) {
	k, err := evidence.ParseVKey(strings.TrimSpace(text))
	if err != nil {
		return k, err //nolint:wrapcheck // says what it did
	}
	return archiveKey(k)
}
