//go:build unix

package verify_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func folder(t *testing.T, files map[string]string) (*verify.Folder, string) {
	t.Helper()
	dir := t.TempDir()
	for key, text := range files {
		path := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := verify.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, dir
}

func list(t *testing.T, s verify.Store, prefix, after string) []string {
	t.Helper()
	keys := []string{}
	for info, err := range s.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// TestFolderList: byte order over whole keys, for every prefix and start.
func TestFolderList(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, k := range []string{"a", "a-b", "a.c/x", "a0", "b/c/d", "b/c-d", "b/c0", "b/ca/x", "b-", "c/1", "c/10", "c/2", ".tmp/x"} {
		files[k] = k
	}
	f, _ := folder(t, files)
	delete(files, ".tmp/x")
	all := slices.Sorted(maps.Keys(files))
	for _, prefix := range []string{"", "a", "b", "b/", "b/c", "b/c/", "c/1", "zzz", "zzz/a"} {
		for _, after := range append([]string{"", "b", "b/c/", "b/c0/", "zzzz"}, all...) {
			want := []string{}
			for _, k := range all {
				if strings.HasPrefix(k, prefix) && k > after {
					want = append(want, k)
				}
			}
			if d := cmp.Diff(want, list(t, f, prefix, after)); d != "" {
				t.Errorf("prefix %q after %q: %s", prefix, after, d)
			}
		}
	}
}

func TestFolderGet(t *testing.T) {
	t.Parallel()
	f, dir := folder(t, map[string]string{"a/b": "0123456789"})
	for _, tc := range []struct {
		offset, length int64
		want           string
	}{{0, -1, "0123456789"}, {3, 4, "3456"}, {8, 10, "89"}, {50, -1, ""}, {0, 0, ""}} {
		body, err := f.Get(t.Context(), "a/b", tc.offset, tc.length)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(body)
		if err := errors.Join(err, body.Close()); err != nil || string(b) != tc.want {
			t.Errorf("%d+%d: %q, %v", tc.offset, tc.length, b, err)
		}
	}
	if info, err := f.Stat(t.Context(), "a/b"); err != nil || info.Size != 10 {
		t.Errorf("%+v, %v", info, err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := errors.Join(os.WriteFile(secret, []byte("x"), 0o600), os.Symlink(secret, filepath.Join(dir, "link")),
		os.Symlink(filepath.Dir(secret), filepath.Join(dir, "dir")), os.Symlink("a/b", filepath.Join(dir, "inner")),
		syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]error{
		"a/c": storage.ErrNotFound, "a": storage.ErrNotFound, "link": storage.ErrNotFound, "inner": storage.ErrNotFound, "pipe": storage.ErrNotFound,
		"dir/secret": nil, "../x": storage.ErrInvalidKey, "/etc/passwd": storage.ErrInvalidKey, "": storage.ErrInvalidKey,
	} {
		if _, err := f.Get(t.Context(), key, 0, -1); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("get %q: %v, want %v", key, err, want)
		}
		if _, err := f.Stat(t.Context(), key); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("stat %q: %v, want %v", key, err, want)
		}
	}
	// What is no file is listed, and so found unexplained.
	if d := cmp.Diff([]string{"a/b", "dir", "inner", "link", "pipe"}, list(t, f, "", "")); d != "" {
		t.Error(d)
	}
}

// TestHostileFolder: links and pipes in an archive are found, and hang nothing.
func TestHostileFolder(t *testing.T) {
	t.Parallel()
	a := sample()
	dir := t.TempDir()
	if err := a.Write(dir); err != nil {
		t.Fatal(err)
	}
	o := objects(a)
	linked, piped := filepath.Join(dir, o[1]), filepath.Join(dir, o[2])
	if err := errors.Join(os.Rename(linked, linked+"x"), os.Symlink(filepath.Base(linked)+"x", linked),
		os.Remove(piped), syscall.Mkfifo(piped, 0o600), os.Symlink("/", filepath.Join(dir, "logs", "root"))); err != nil {
		t.Fatal(err)
	}
	f, err := verify.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	want := []string{"object-missing 2 " + window(1), "object-missing 3 " + window(2), "unexplained -1 " + window(1) + "x", "unexplained -1 logs/root"}
	if d := cmp.Diff(want, short(run(t, f, verify.Options{}))); d != "" {
		t.Error(d)
	}
}

func TestFolderMissing(t *testing.T) {
	t.Parallel()
	if _, err := verify.OpenFolder(filepath.Join(t.TempDir(), "x")); err == nil {
		t.Error("a folder that is not there is opened")
	}
	f, _ := folder(t, nil)
	if _, err := verify.Run(context.Background(), f, verify.Options{}); !errors.Is(err, storage.ErrNotFound) || !strings.Contains(err.Error(), "no archive here") {
		t.Errorf("an empty folder: %v", err)
	}
}
