package fs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/storage/storagetest"
)

// TestMain is also the second process of some tests.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 {
		switch os.Args[1] {
		case "put-until-killed":
			putUntilKilled(os.Args[2])
			return
		case "put-with-little-room":
			putWithLittleRoom(os.Args[2])
			return
		}
	}
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) storage.Storage { return open(t, t.TempDir()) })
}

// TestConformanceWithRivals opens the folder anew for each call, as if each
// came from another process.
func TestConformanceWithRivals(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) storage.Storage { return &rivals{open(t, t.TempDir())} })
}

type rivals struct{ *FS }

func (r *rivals) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	f, err := Open(r.path)
	if err != nil {
		return storage.Info{}, err
	}
	defer func() { _ = f.Close() }()
	return f.Put(ctx, req, body)
}

func open(t testing.TB, path string) *FS {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func request(key string, content []byte) storage.PutRequest {
	sum := sha256.Sum256(content)
	return storage.PutRequest{Key: key, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

func put(t testing.TB, f *FS, key string, content []byte) {
	t.Helper()
	if _, err := f.Put(context.Background(), request(key, content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

// files returns what is under root beside the lock.
func files(t *testing.T, root string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(path string, d iofs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(path, lockName) {
			names = append(names, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestModes(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := open(t, root)
	put(t, f, "a/b/c", []byte("x"))
	second := request("a/b/c", []byte("y"))
	second.Replaces = request("a/b/c", []byte("x")).SHA256
	check := func() {
		t.Helper()
		for path, want := range map[string]os.FileMode{"a": 0o755, "a/b": 0o755, "a/b/c": 0o444} {
			fi, err := os.Stat(filepath.Join(root, path))
			if err != nil || fi.Mode().Perm() != want {
				t.Errorf("%s: mode %v, %v, want %v", path, fi.Mode().Perm(), err, want)
			}
		}
		if have := files(t, root); !slices.Equal(have, []string{"a/b/c"}) {
			t.Errorf("left behind: %q", have)
		}
	}
	check()
	if _, err := f.Put(context.Background(), second, strings.NewReader("y")); err != nil {
		t.Fatal(err)
	}
	check()
}

func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	f := open(t, root)
	put(t, f, "real/object", []byte("x"))
	for link, target := range map[string]string{
		"out": outside, "up": "../../../../../../etc", "file": filepath.Join(outside, "secret"), "in": "real/object",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"out/secret", "up/passwd", "file", "in", "pipe"} {
		if r, err := f.Get(ctx, key, 0, -1); err == nil {
			b, _ := io.ReadAll(r)
			t.Errorf("get %s: %q", key, b)
		}
		if _, err := f.Stat(ctx, key); err == nil {
			t.Errorf("stat %s: no error", key)
		}
		if err := f.Delete(ctx, key); err == nil {
			t.Errorf("delete %s: no error", key)
		}
		if _, err := f.LocalPath(ctx, key); err == nil {
			t.Errorf("local path of %s: no error", key)
		}
	}
	for _, key := range []string{"out/new", "up/new", "file", "file/new", "pipe", "pipe/new"} {
		if _, err := f.Put(ctx, request(key, nil), bytes.NewReader(nil)); err == nil {
			t.Errorf("put %s: no error", key)
		}
	}
	for _, prefix := range []string{"", "out/", "out/s"} {
		for info, err := range f.List(ctx, prefix, "") {
			if err != nil || info.Key != "real/object" {
				t.Errorf("list %q: %s, %v", prefix, info.Key, err)
			}
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 1 {
		t.Errorf("outside now has %v, %v", left, err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	open(t, filepath.Join(base, "new"))
	if fi, err := os.Stat(filepath.Join(base, "new")); err != nil || !fi.IsDir() {
		t.Errorf("folder was not made: %v", err)
	}
	if _, err := Open(filepath.Join(base, "not", "mounted")); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("missing parent: %v, want ErrNotFound", err)
	}
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil {
		t.Error("a file was opened as a folder")
	}
	p := Plugin()
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	if _, err := p.Schema.Check(nil); err == nil {
		t.Error("the path is not required")
	}
	s, err := p.Storage(map[string]string{"path": filepath.Join(base, "new")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.(io.Closer).Close(); err != nil {
		t.Error(err)
	}
}

// helper starts this binary again as another process.
func helper(t *testing.T, args ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, out
}

// putUntilKilled begins an upload and never ends it.
func putUntilKilled(root string) {
	f, err := Open(root)
	if err != nil {
		panic(err)
	}
	body, feed := io.Pipe()
	go func() {
		_, _ = feed.Write(make([]byte, 100_000))
		fmt.Println("under way")
	}()
	_, err = f.Put(context.Background(), storage.PutRequest{Key: "never/done", Size: 1 << 20}, body)
	panic(err)
}

func TestSweepTakesOnlyWhatCrashesLeft(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	cmd, out := helper(t, "put-until-killed", root)
	if _, err := fmt.Fscanln(out, new(string), new(string)); err != nil {
		t.Fatal(err)
	}
	open(t, root)
	if have := files(t, root); len(have) != 1 {
		t.Fatalf("another process' upload is gone: %q", have)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	f := open(t, root)
	if have := files(t, root); len(have) != 0 {
		t.Errorf("a crash's leftover is still there: %q", have)
	}
	if _, err := f.Stat(context.Background(), "never/done"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("stat: %v, want ErrNotFound", err)
	}
}

// putWithLittleRoom lets the kernel refuse to let any file grow over 64 KiB.
func putWithLittleRoom(root string) {
	f, err := Open(root)
	if err != nil {
		panic(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 64 << 10, Max: 64 << 10}); err != nil {
		panic(err)
	}
	content := make([]byte, 1<<20)
	_, err = f.Put(context.Background(), request("too/big", content), bytes.NewReader(content))
	fmt.Println(errors.Is(err, storage.ErrFull))
	_, err = f.Put(context.Background(), request("small", nil), bytes.NewReader(nil))
	fmt.Println(err)
}

func TestFull(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	_, out := helper(t, "put-with-little-room", root)
	said, err := io.ReadAll(out)
	if err != nil || string(said) != "true\n<nil>\n" {
		t.Errorf("%q, %v: want ErrFull, then success", said, err)
	}
	if have := files(t, root); !slices.Equal(have, []string{"small"}) {
		t.Errorf("left behind: %q", have)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put(t, open(t, root), "a/b", []byte("x"))
	if os.Geteuid() == 0 {
		// Modes do not stop root; a file where .tmp is to be does.
		if err := os.RemoveAll(filepath.Join(root, tempFolder)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, tempFolder), nil, 0o400); err != nil {
			t.Fatal(err)
		}
	} else {
		for _, dir := range []string{tempFolder, "a", "."} {
			path := filepath.Join(root, dir)
			if err := os.Chmod(path, 0o555); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(path, 0o755) })
		}
	}
	f := open(t, root)
	if info, err := f.Stat(context.Background(), "a/b"); err != nil || info.Size != 1 {
		t.Errorf("stat: %+v, %v", info, err)
	}
	_, err := f.Put(context.Background(), request("a/c", nil), bytes.NewReader(nil))
	if err == nil || os.Geteuid() != 0 && !errors.Is(err, storage.ErrPermission) {
		t.Errorf("put: %v, want ErrPermission", err)
	}
	if _, err := f.Stat(context.Background(), "a/c"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("refused put left a trace: %v", err)
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for number, want := range map[syscall.Errno]error{
		syscall.ENOSPC: storage.ErrFull, syscall.EDQUOT: storage.ErrFull, syscall.EFBIG: storage.ErrFull,
		syscall.EACCES: storage.ErrPermission, syscall.EPERM: storage.ErrPermission, syscall.EROFS: storage.ErrPermission,
		syscall.ENOENT: storage.ErrNotFound, syscall.ENOTDIR: storage.ErrNotFound, syscall.ELOOP: storage.ErrNotFound,
		syscall.EEXIST: storage.ErrExists, syscall.ENAMETOOLONG: storage.ErrInvalidKey,
		syscall.EIO: storage.ErrUnavailable, syscall.ESTALE: storage.ErrUnavailable, syscall.EMFILE: storage.ErrUnavailable,
	} {
		err := classify(&os.PathError{Op: "open", Path: "x", Err: number})
		if !errors.Is(err, want) || !errors.Is(err, number) {
			t.Errorf("%v: %v, want %v and the number", number, err, want)
		}
		for _, other := range []error{storage.ErrFull, storage.ErrPermission, storage.ErrNotFound, storage.ErrUnavailable} {
			if !errors.Is(want, other) && errors.Is(err, other) {
				t.Errorf("%v is also %v", number, other)
			}
		}
	}
	if err := classify(io.ErrNoProgress); !errors.Is(err, io.ErrNoProgress) || errors.Is(err, storage.ErrUnavailable) || classify(nil) != nil {
		t.Error("an unknown error is changed")
	}
}
