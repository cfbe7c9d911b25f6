package evidence

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxCheckpoint bounds what is read as a checkpoint, in bytes.
const MaxCheckpoint = 16 << 10

// Origin returns the first line of a chain's checkpoints, which is also the
// name of its key (C2SP tlog-checkpoint: they should be equal).
func Origin(archive string, c ChainID) string {
	return KeyName(archive) + "/" + c.String()
}

// KeyName returns the name of an archive's key, the prefix of its chains' origins.
func KeyName(archive string) string { return "rainlogs/" + archive }

// Checkpoint is a chain's head: C2SP tlog-checkpoint without extension lines.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Text returns what is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// ErrUnsigned: no signature on a checkpoint is by the trusted key.
var ErrUnsigned = errors.New("checkpoint is not signed by the trusted key")

// SignCheckpoint returns the signed note.
func SignCheckpoint(c Checkpoint, signers ...note.Signer) ([]byte, error) {
	b, err := note.Sign(&note.Note{Text: c.Text()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return b, nil
}

// OpenCheckpoint reads a checkpoint of the given origin that is signed by v.
// Further signatures, by keys not known here, are allowed.
func OpenCheckpoint(b []byte, origin string, v note.Verifier) (Checkpoint, error) {
	if len(b) > MaxCheckpoint {
		return Checkpoint{}, fmt.Errorf("checkpoint has %d bytes, more than %d", len(b), MaxCheckpoint)
	}
	n, err := note.Open(b, note.VerifierList(v))
	if err != nil {
		var unverified *note.UnverifiedNoteError
		var invalid *note.InvalidSignatureError
		if errors.As(err, &unverified) || errors.As(err, &invalid) {
			return Checkpoint{}, fmt.Errorf("%w: %w", ErrUnsigned, err)
		}
		return Checkpoint{}, fmt.Errorf("read checkpoint: %w", err)
	}
	return checkOrigin(n.Text, origin)
}

// ParseCheckpoint reads a checkpoint of the given origin whose signatures
// nobody has checked yet: for a reader that learns from the chain itself which
// keys signed in turn, and who must then call OpenCheckpoint.
func ParseCheckpoint(b []byte, origin string) (Checkpoint, error) {
	if len(b) > MaxCheckpoint {
		return Checkpoint{}, fmt.Errorf("checkpoint has %d bytes, more than %d", len(b), MaxCheckpoint)
	}
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(b, note.VerifierList()); !errors.As(err, &unverified) {
		return Checkpoint{}, fmt.Errorf("read checkpoint: %w", err)
	}
	return checkOrigin(unverified.Note.Text, origin)
}

func checkOrigin(text, origin string) (Checkpoint, error) {
	c, err := parseCheckpointText(text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != origin {
		return Checkpoint{}, fmt.Errorf("checkpoint is of %.200q, want %q", c.Origin, origin)
	}
	return c, nil
}

func parseCheckpointText(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] == "" || lines[len(lines)-1] != "" {
		return Checkpoint{}, errors.New("checkpoint does not have three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("checkpoint size %.40q is not a decimal", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, fmt.Errorf("checkpoint root %.80q is not a base64 SHA-256", lines[2])
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: tlog.Hash(root)}, nil
}

// PublicKey is an archive's Ed25519 verifier key. The same key verifies every
// chain of the archive, under the name of that chain's origin.
type PublicKey struct {
	name string
	key  ed25519.PublicKey
}

// ParseVKey reads a C2SP vkey ("name+hash+base64") of type Ed25519.
func ParseVKey(vkey string) (PublicKey, error) {
	if _, err := note.NewVerifier(vkey); err != nil {
		return PublicKey{}, fmt.Errorf("verifier key %.200q: %w", vkey, err)
	}
	// The base64 itself may hold '+', the name may not.
	parts := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("verifier key %.200q: not an Ed25519 key", vkey)
	}
	return PublicKey{parts[0], ed25519.PublicKey(raw[1:])}, nil
}

// VKey returns the key in C2SP form under its own name.
func (p PublicKey) VKey() string { return p.vkeyAs(p.name) }

// Name returns the key's name.
func (p PublicKey) Name() string { return p.name }

// Equal reports whether both are the same key, whatever their names.
func (p PublicKey) Equal(o PublicKey) bool { return p.key.Equal(o.key) }

// VKeyFor returns the vkey under a chain's origin, as other tools want it.
func (p PublicKey) VKeyFor(origin string) string { return p.vkeyAs(origin) }

// Verifier returns the verifier of the chain with that origin.
func (p PublicKey) Verifier(origin string) (note.Verifier, error) {
	v, err := note.NewVerifier(p.vkeyAs(origin))
	if err != nil {
		return nil, fmt.Errorf("verifier for %.200q: %w", origin, err)
	}
	return v, nil
}

func (p PublicKey) vkeyAs(name string) string {
	vkey, err := note.NewEd25519VerifierKey(name, p.key)
	if err != nil {
		return "" // only for a key of the wrong length, which ParseVKey and PrivateKey exclude
	}
	return vkey
}
