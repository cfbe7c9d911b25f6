package pluginhost

import (
	"fmt"
	"os"
	"strings"

	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// FileName is what the program of a third party's plugin is called.
func FileName(kind, name string) string { return "rainlogs-" + kind + "-" + name }

// ParseFileName is the inverse of FileName.
func ParseFileName(base string) (kind, name string, ok bool) {
	for _, kind := range []string{wire.KindSource, wire.KindStorage} {
		name, ok := strings.CutPrefix(base, FileName(kind, ""))
		if ok && wire.ValidName(name) {
			return kind, name, true
		}
	}
	return "", "", false
}

// Found is a file of the plugin folder that is called as a plugin is.
type Found struct {
	Kind, Name string
	Path       string // as Find returns it
	Err        error  // why the host would not run it, whatever its pin
}

// List looks through the plugin folder. Nothing is run.
func List(folder string) ([]Found, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("list plugin folder: %w", err)
	}
	var all []Found
	for _, e := range entries {
		kind, name, ok := ParseFileName(e.Name())
		if !ok {
			continue
		}
		f := Found{Kind: kind, Name: name}
		f.Path, f.Err = Find(folder, kind, name)
		all = append(all, f)
	}
	return all, nil
}
