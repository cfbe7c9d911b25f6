package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/format"
)

// provenanceSuffix names the file beside an answer that says what it stands on.
const provenanceSuffix = ".provenance.json"

// withAnswer writes an answer as withOutput does, and what it stands on
// into a file beside it, unless the format has that inside.
func (w *workspace) withAnswer(path string, f format.Format, write func(io.Writer) (query.Provenance, error)) error {
	var p query.Provenance
	err := w.withOutput(path, func(out io.Writer) (err error) {
		p, err = write(out)
		return err
	})
	if err != nil || f == format.JSON {
		return err
	}
	return w.writeBeside(path, p)
}

// writeBeside writes the provenance of the answer in a file; a pipe or a device has none beside it.
func (w *workspace) writeBeside(path string, p query.Provenance) error {
	if path == "" || special(path) {
		return nil
	}
	return w.withOutput(path+provenanceSuffix, func(out io.Writer) error { return site.PrintJSON(out, p) })
}

// withOutput writes to a file, which is as it was before until all is
// written, or to standard output.
func (w *workspace) withOutput(path string, f func(io.Writer) error) error {
	if path == "" {
		out := w.Env.Data()
		return errors.Join(f(out), out.Close())
	}
	if special(path) {
		file, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY, 0)
		if err != nil {
			return site.Usagef("-o: %w", err)
		}
		return errors.Join(f(file), file.Close())
	}
	if real, err := filepath.EvalSymlinks(path); err == nil { // a link stays one
		path = real
	}
	draft, err := os.OpenFile(filepath.Clean(path)+"."+rand.Text()[:8]+".draft", os.O_WRONLY|os.O_CREATE|os.O_EXCL, modeOf(path))
	if err != nil {
		return site.Usagef("-o: %w", err)
	}
	name := draft.Name()
	w.draft.Store(&name)
	defer w.draft.Store(nil)
	if err := errors.Join(f(draft), draft.Sync(), draft.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	if err := os.Rename(name, path); err != nil {
		return errors.Join(fmt.Errorf("-o: %w", err), os.Remove(name))
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("sync folder of %s: %w", path, err)
	}
	return nil
}

// special reports whether a path is something that is not replaced: a pipe, a device.
func special(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// modeOf is a file's mode, or that of a new one before the umask.
func modeOf(path string) os.FileMode {
	if info, err := os.Stat(path); err == nil {
		return info.Mode().Perm()
	}
	return 0o666
}
