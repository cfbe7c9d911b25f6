package exhibit

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// ErrNothing: there is no record to hand out.
var ErrNothing = errors.New("the case has no bookmarked record")

// sumsName is the file that has the digests of all others.
const sumsName = "SHA256SUMS"

// Write makes a bundle in a folder of its own under parent, which is made if
// it is not there. Records that cannot be had are named in it and in the
// result; only if none can, nothing is written.
func Write(ctx context.Context, parent string, r Request) (Result, error) {
	if len(r.Bookmarks) == 0 {
		return Result{}, ErrNothing
	}
	grown, err := plant(r.Chains)
	if err != nil {
		return Result{}, err
	}
	found, left, err := r.collect(ctx)
	if err != nil {
		return Result{}, err
	}
	if len(found) == 0 {
		return Result{Left: left}, fmt.Errorf("none of the %d records can be had: %s", len(left), left[0].Problem)
	}
	files, err := r.files(found, left, grown)
	if err != nil {
		return Result{}, err
	}
	name := "rainlogs-" + r.CaseName + "-" + r.Now.UTC().Format("20060102T150405Z")
	folder, err := place(ctx, parent, name, files)
	if err != nil {
		return Result{}, err
	}
	sum := sha256.Sum256(files[sumsName])
	return Result{Folder: folder, Records: len(found), Left: left, SHA256: hex.EncodeToString(sum[:])}, nil
}

// files are the bundle's, by their names.
func (r Request) files(found []*record, left []Left, grown trees) (map[string][]byte, error) {
	p, err := r.provenance(found, left, grown)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(p); err != nil {
		return nil, fmt.Errorf("encode provenance: %w", err)
	}
	table, err := csvOf(found)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		"provenance.json": text.Bytes(), "records.csv": table, "case.jsonl": r.Journal, "README.txt": readme(p),
	}
	for _, rec := range found {
		files["records.ndjson"] = append(append(files["records.ndjson"], rec.line...), '\n')
		if files[entryFile(rec.entry)], err = evidence.Encode(rec.entry); err != nil {
			return nil, fmt.Errorf("encode entry %d: %w", rec.entry.Seq, err)
		}
	}
	for _, c := range r.Chains {
		files[checkpointFile(c.ID)] = c.Signed
	}
	files[sumsName] = sums(files)
	return files, nil
}

// sums is what sha256sum prints of files.
func sums(files map[string][]byte) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	return b.Bytes()
}

// place writes the files into a folder that is there whole or not at all.
func place(ctx context.Context, parent, name string, files map[string][]byte) (folder string, err error) {
	parent, err = filepath.Abs(parent)
	if err != nil {
		return "", fmt.Errorf("export: %w", err)
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", fmt.Errorf("export: %w", err)
	}
	draft := filepath.Join(parent, "."+name+".draft-"+strings.ToLower(rand.Text()[:8]))
	if err := os.Mkdir(draft, 0o700); err != nil {
		return "", fmt.Errorf("export: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(draft))
		}
	}()
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("export: %w", err)
		}
		if err := writeFile(filepath.Join(draft, filepath.FromSlash(file)), files[file]); err != nil {
			return "", fmt.Errorf("export: %w", err)
		}
	}
	for _, dir := range []string{"entries", "chains", "."} {
		if err := syncFolder(filepath.Join(draft, dir)); err != nil {
			return "", err
		}
	}
	for i := 1; ; i++ {
		folder = filepath.Join(parent, name)
		if i > 1 {
			folder = fmt.Sprintf("%s-%d", folder, i)
		}
		// A rename would take the place of an empty folder without a word.
		if _, err := os.Lstat(folder); err == nil {
			continue
		}
		if err = os.Rename(draft, folder); !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return "", fmt.Errorf("export: %w", err)
	}
	return folder, syncFolder(parent)
}

func writeFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err //nolint:wrapcheck // by the caller
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // by the caller
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
