package s3test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gofrs/flock"
	"go.uber.org/goleak"
)

const (
	programEnv = "RAINLOGS_VERSITYGW"  // the path of the server's program
	requireEnv = "RAINLOGS_REQUIRE_S3" // set to 1 makes its absence an error
)

// shared is the server of the test binary.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Shared returns the one server of the test binary, which it starts the first
// time. Main stops it. Tests part it by their buckets.
func Shared(t testing.TB) *Server {
	t.Helper()
	program := find(t)
	shared.once.Do(func() { shared.server, shared.err = create(program) })
	if shared.err != nil {
		t.Fatalf("start S3 server: %v", shared.err)
	}
	return shared.server
}

// New returns a server of the test's own, which ends with it.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := create(find(t))
	if err != nil {
		t.Fatalf("start S3 server: %v", err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Errorf("stop S3 server: %v", err)
		}
	})
	return s
}

// Main runs a package's tests, ends the shared server, looks for goroutines
// left behind, and exits.
func Main(m *testing.M) {
	code := m.Run()
	if err := Stop(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "stop S3 server: %v\n", err)
		code = max(code, 1)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = fmt.Fprintf(os.Stderr, "goroutines are left behind: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

// Stop ends the shared server, if there is one: for a TestMain with more to
// end than Main knows of.
func Stop() error {
	if shared.server == nil {
		return nil
	}
	return shared.server.remove()
}

// find returns the path of the server's program.
func find(t testing.TB) string {
	t.Helper()
	if !supported {
		t.Skip("no S3 server for tests on this system")
	}
	program, err := locate()
	if err == nil {
		return program
	}
	if os.Getenv(requireEnv) == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}

func locate() (string, error) {
	if program := os.Getenv(programEnv); program != "" {
		if _, err := os.Stat(program); err != nil {
			return "", fmt.Errorf("look for the program that %s names: %w", programEnv, err)
		}
		return program, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find this folder: %w", err)
	}
	for {
		program := filepath.Join(dir, ".tools", "versitygw")
		if _, err := os.Stat(program); err == nil {
			return program, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no S3 server here: make test builds one (versitygw) into .tools")
		}
		dir = filepath.Dir(dir)
	}
}

// prefix begins the names of the servers' folders. A lock on the file alive in
// one says that its test binary lives.
const prefix = "rainlogs-s3-"

// newFolder makes a server's folder, and removes those of test binaries that
// were killed.
func newFolder() (dir string, alive *flock.Flock, err error) {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*", "alive")) // a pattern of ours is never malformed
	for _, path := range old {
		if f := flock.New(path); lockedNow(f) {
			_ = os.RemoveAll(filepath.Dir(path)) // another's, perhaps; then it stays
			_ = f.Unlock()
		}
	}
	if dir, err = os.MkdirTemp("", prefix); err != nil {
		return "", nil, fmt.Errorf("make folder: %w", err)
	}
	alive = flock.New(filepath.Join(dir, "alive"))
	if !lockedNow(alive) {
		return "", nil, errors.Join(fmt.Errorf("lock %s", dir), os.RemoveAll(dir))
	}
	return dir, alive, nil
}

func lockedNow(f *flock.Flock) bool {
	ok, err := f.TryLock()
	return ok && err == nil
}
