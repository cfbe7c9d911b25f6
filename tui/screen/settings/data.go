package settings

import (
	"context"
	"time"
)

// Data is where the screen's facts come from.
type Data interface {
	// Archive returns what is open. It may take seconds.
	Archive(ctx context.Context) (Archive, error)
}

// Archive is the archive that is open, and this program beside it.
type Archive struct {
	Name, ID, Purpose string
	Created           time.Time
	Config            string   // the file's path
	Stores            []string // each in a line: its name, plugin and place; no secret
	Keys              []Key
	Session           string // where this session is kept, "" if it is not
	ReadOnly          string // why nothing can be changed, "" if it can
	Version           string // of the program
}

// Key is a key that signs the archive's chains.
type Key struct {
	VKey  string
	Trust string // in words: why it is believed, or that it is not
	Known bool   // beforehand: pinned or remembered
}
