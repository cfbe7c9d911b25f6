package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5"

	"github.com/fabriziosalmi/rainlogs/internal/testchild"
)

const (
	startTimeout = 60 * time.Second
	pollEvery    = 20 * time.Millisecond
)

// Mode is how a server is stopped.
type Mode int

// The modes of pg_ctl that cut connections.
const (
	Fast      Mode = iota // transactions are rolled back, a checkpoint is written
	Immediate             // as a crash
)

// Server is a PostgreSQL server. Its superuser is "postgres", and needs no password.
type Server struct {
	bin, dir string
	owner    owner
	alive    *flock.Flock
	names    atomic.Int64

	mu   sync.Mutex
	cmd  *exec.Cmd
	done <-chan error // closed after the one value that Wait gave
}

// create makes a data folder and starts a server on it.
func create(bin string) (*Server, error) {
	dir, alive, err := newFolder()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, alive: alive}
	if s.owner, err = findOwner(); err == nil {
		err = s.initialise()
	}
	if err == nil {
		err = s.start()
	}
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

func (s *Server) initialise() error {
	if err := s.owner.own(s.dir); err != nil {
		return fmt.Errorf("hand over folder: %w", err)
	}
	cmd := s.command("initdb", "-D", s.data(), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run initdb: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command prepares one of PostgreSQL's programs. It refuses to run as root, so
// root lends it another user.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...) //nolint:noctx // it outlives the test that started it
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = s.owner.attributes()
	return cmd
}

// start runs the server and waits until it answers. The caller holds mu, or is alone.
func (s *Server) start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer log.Close()
	cmd := s.command("postgres", "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", "max_connections=300", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB")
	cmd.Stdout, cmd.Stderr = log, log
	done, err := testchild.Start(cmd)
	if err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	s.cmd, s.done = cmd, done
	if err := s.await(); err != nil {
		said, _ := os.ReadFile(log.Name()) // as much as there is
		return errors.Join(fmt.Errorf("%w\n%s", err, said), s.stop(Immediate))
	}
	return nil
}

// await asks until the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.dsn("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case end := <-s.done:
			return fmt.Errorf("server ended: %w", end)
		case <-ctx.Done():
			return fmt.Errorf("server does not answer: %w", err)
		}
	}
}

// stop ends the server. Nothing runs after it.
func (s *Server) stop(mode Mode) error {
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(mode.signal()); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal server: %w", err)
	}
	<-s.done // whichever status: it was told to end
	s.cmd = nil
	return nil
}

// remove stops the server and removes what it had.
func (s *Server) remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.stop(Immediate), os.RemoveAll(s.dir), s.alive.Unlock())
}

// Stop stops the server; connections are cut.
func (s *Server) Stop(t testing.TB, mode Mode) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stop(mode); err != nil {
		t.Fatal(err)
	}
}

// Start starts a stopped server, and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		t.Fatal("the server runs")
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Restart is Stop and Start.
func (s *Server) Restart(t testing.TB, mode Mode) {
	t.Helper()
	s.Stop(t, mode)
	s.Start(t)
}

// DSN returns the data source name of a new, empty database. It goes when the
// test ends, if the server runs then.
func (s *Server) DSN(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.names.Add(1))
	if err := s.exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.mu.Lock()
		runs := s.cmd != nil
		s.mu.Unlock()
		if !runs {
			return
		}
		if err := s.exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.dsn(name)
}

func (s *Server) dsn(database string) string {
	return fmt.Sprintf("host=%s user=postgres dbname=%s", s.dir, database)
}

func (s *Server) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.dsn("postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
