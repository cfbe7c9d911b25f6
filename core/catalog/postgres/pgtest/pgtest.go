// Package pgtest runs PostgreSQL servers for tests, from the machine's own
// binaries: data in a temporary folder, reached by a Unix socket alone, with no
// regard for durability. They end with the test binary, and leave nothing:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestX(t *testing.T) { dsn := pgtest.Shared(t).DSN(t) … }
//
// Without the binaries tests are skipped, or fail where RAINLOGS_REQUIRE_POSTGRES=1.
package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gofrs/flock"
	"go.uber.org/goleak"
)

// requireEnv set to 1 makes missing binaries an error.
const requireEnv = "RAINLOGS_REQUIRE_POSTGRES"

const install = "no PostgreSQL server binaries here: apt-get install postgresql"

// shared is the server of the test binary.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Shared returns the one server of the test binary, which it starts the first
// time. Main stops it: a test stops or restarts only servers of its own.
func Shared(t testing.TB) *Server {
	t.Helper()
	bin := binaries(t)
	shared.once.Do(func() { shared.server, shared.err = create(bin) })
	if shared.err != nil {
		t.Fatalf("start PostgreSQL: %v", shared.err)
	}
	return shared.server
}

// New returns a server of the test's own, which ends with it.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := create(binaries(t))
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	return s
}

// Main runs a package's tests, stops the shared server, looks for goroutines
// left behind, and exits.
func Main(m *testing.M) {
	code := m.Run()
	if s := shared.server; s != nil {
		if err := s.remove(); err != nil {
			_, _ = fmt.Fprintf(os.Stderr, "stop PostgreSQL: %v\n", err)
			code = max(code, 1)
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = fmt.Fprintf(os.Stderr, "goroutines are left behind: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

// binaries returns the folder of initdb and postgres.
func binaries(t testing.TB) string {
	t.Helper()
	if !supported {
		t.Skip("no PostgreSQL for tests on this system")
	}
	dirs := []string{"/usr/local/bin"}
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append([]string{filepath.Dir(path)}, dirs...)
	}
	// The newest last; a pattern of ours is never malformed.
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, dir := range append(dirs, packaged...) {
		_, errInit := os.Stat(filepath.Join(dir, "initdb"))
		_, errServer := os.Stat(filepath.Join(dir, "postgres"))
		if errInit == nil && errServer == nil {
			return dir
		}
	}
	if os.Getenv(requireEnv) == "1" {
		t.Fatal(install)
	}
	t.Skip(install)
	return ""
}

// prefix begins the names of the servers' folders. A lock on the file alive in
// one says that its test binary lives.
const prefix = "rainlogs-pg-"

// newFolder makes a server's folder, in /tmp because a socket's path has 107
// bytes at most, and removes those of test binaries that were killed.
func newFolder() (dir string, alive *flock.Flock, err error) {
	old, _ := filepath.Glob(filepath.Join("/tmp", prefix+"*", "alive")) // a pattern of ours is never malformed
	for _, path := range old {
		if f := flock.New(path); lockedNow(f) {
			_ = os.RemoveAll(filepath.Dir(path)) // another's, perhaps; then it stays
			_ = f.Unlock()
		}
	}
	if dir, err = os.MkdirTemp("/tmp", prefix); err != nil {
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
