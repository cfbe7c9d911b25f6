package welcome

import "context"

// Data makes archives.
type Data interface {
	// Demo makes the demo's archive, telling in lines what it does.
	Demo(ctx context.Context, tell func(line string)) (Made, error)
	// Init makes an archive in a folder.
	Init(ctx context.Context, dir string) (Made, error)
}

// Made is an archive that was made.
type Made struct {
	Dir  string // of its config
	Text string // what a person has to know of it
}
