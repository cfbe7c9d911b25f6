package evidence

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

// FormatName is the descriptor's "format".
const FormatName = "rainlogs-archive"

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Descriptor is rainlogs.json at the archive's root, written once. It tells a
// stranger what the bucket is. It is not signed: the key to trust is the one
// that was pinned by another way.
type Descriptor struct {
	Format    string    `json:"format"`
	V         int       `json:"v"`
	Archive   string    `json:"archive"` // UUID, also in each entry and each origin
	CreatedAt time.Time `json:"created_at"`
	VKey      string    `json:"vkey"` // the first verifier key, informative
	Purpose   string    `json:"purpose"`
	Spec      string    `json:"spec"`
}

// EncodeDescriptor returns the descriptor's bytes, indented for people.
func EncodeDescriptor(d Descriptor) ([]byte, error) {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode descriptor: %w", err)
	}
	return append(b, '\n'), nil
}

// DecodeDescriptor reads rainlogs.json; ErrNewer for a later format.
func DecodeDescriptor(b []byte) (Descriptor, error) {
	var d Descriptor
	var head struct {
		Format string `json:"format"`
		V      int    `json:"v"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return d, fmt.Errorf("read %s: %w", DescriptorKey, err)
	}
	if head.Format != FormatName {
		return d, fmt.Errorf("read %s: format is %.40q, want %q", DescriptorKey, head.Format, FormatName)
	}
	if head.V > Version {
		return d, fmt.Errorf("read %s: v is %d: %w", DescriptorKey, head.V, ErrNewer)
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return d, fmt.Errorf("read %s: %w", DescriptorKey, err)
	}
	if !uuidPattern.MatchString(d.Archive) {
		return d, fmt.Errorf("read %s: archive %.64q is not a UUID", DescriptorKey, d.Archive)
	}
	return d, nil
}
