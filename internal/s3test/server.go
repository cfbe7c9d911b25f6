package s3test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/gofrs/flock"

	"github.com/fabriziosalmi/rainlogs/internal/testchild"
)

const (
	startTimeout = 60 * time.Second
	pollEvery    = 20 * time.Millisecond
	startTries   = 5 // a port that was free may be taken a moment later
	healthPath   = "/rainlogs-health"

	// Region is the servers'.
	Region = "eu-test-1"
)

// Key is what a client signs its requests with.
type Key struct{ ID, Secret string }

func newKey() Key { return Key{ID: "AK" + rand.Text(), Secret: rand.Text()} }

// Server is an S3 server.
type Server struct {
	// Root may do everything but break a lock in compliance mode.
	Root Key

	program, dir, address string
	alive                 *flock.Flock
	names                 atomic.Int64
	process               *os.Process
	done                  <-chan error // closed when the process has ended
}

// create makes a folder and starts a server on it.
func create(program string) (*Server, error) {
	dir, alive, err := newFolder()
	if err != nil {
		return nil, err
	}
	s := &Server{Root: newKey(), program: program, dir: dir, alive: alive}
	for range startTries {
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, s.remove())
}

// start runs the server and waits until it answers.
func (s *Server) start() error {
	var err error
	if s.address, err = freeAddress(); err != nil {
		return err
	}
	args := []string{
		"--port", s.address, "--region", Region, "--health", healthPath, "--keep-alive", "--quiet",
		"--iam-dir", s.path("iam"), "--iam-cache-disable", "posix", "--versioning-dir", s.path("versions"),
	}
	for _, name := range []string{"iam", "versions", "data", "meta"} {
		if err := os.MkdirAll(s.path(name), 0o700); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	if !hasAttributes(s.path("data")) {
		args = append(args, "--sidecar", s.path("meta"))
	}
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(s.program, append(args, s.path("data"))...) //nolint:noctx // it outlives the test that started it
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = s.dir, log, log, attributes()
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.Root.ID, "ROOT_SECRET_ACCESS_KEY="+s.Root.Secret)
	if s.done, err = testchild.Start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", s.program, err)
	}
	s.process = cmd.Process
	if err := s.await(); err != nil {
		said, _ := os.ReadFile(log.Name()) // as much as there is
		return errors.Join(fmt.Errorf("%w\n%s", err, said), s.stop())
	}
	return nil
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// Folder is where the server keeps a bucket's objects below the parts of a
// key: a file that is put there is an object, sooner than by a request each.
func (s *Server) Folder(bucket string, parts ...string) string {
	return filepath.Join(append([]string{s.path("data"), bucket}, parts...)...)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// await asks until the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := s.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.done:
			return fmt.Errorf("server ended: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("server does not answer: %w", err)
		}
	}
}

// ask makes a signed request: another program at the port does not answer it.
func (s *Server) ask(ctx context.Context) error {
	if _, err := s.Client(s.Root).ListBuckets(ctx, &s3.ListBucketsInput{}); err != nil {
		return fmt.Errorf("list buckets: %w", err)
	}
	return nil
}

func (s *Server) stop() error {
	if s.process == nil {
		return nil
	}
	if err := s.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill server: %w", err)
	}
	for range s.done { // closed once it has ended; whichever status: it was told to
	}
	s.process = nil
	return nil
}

// remove stops the server and removes what it had.
func (s *Server) remove() error {
	return errors.Join(s.stop(), os.RemoveAll(s.dir), s.alive.Unlock())
}

// URL returns the server's endpoint, for path-style requests.
func (s *Server) URL() string { return "http://" + s.address }

// Client returns a client of the SDK's, with its defaults but for retries,
// connections that are kept, and the endpoint.
func (s *Server) Client(key Key) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.URL()), UsePathStyle: true, Region: Region,
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Retryer:     aws.NopRetryer{},
	})
}

// Kind is what a bucket keeps of what was overwritten or deleted.
type Kind int

// The kinds of buckets.
const (
	Plain     Kind = iota // nothing
	Versioned             // earlier versions
	Locked                // earlier versions, and locks on them are honoured
)

// Bucket makes a bucket, which root owns.
func (s *Server) Bucket(t testing.TB, kind Kind) string {
	t.Helper()
	return s.BucketOf(t, kind, s.Root)
}

// BucketOf makes a bucket, which the key's user owns.
func (s *Server) BucketOf(t testing.TB, kind Kind, owner Key) string {
	t.Helper()
	ctx, c := t.Context(), s.Client(owner)
	name := fmt.Sprintf("test-%d", s.names.Add(1))
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: aws.Bool(kind == Locked)})
	if err == nil && kind == Versioned {
		_, err = c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{
			Status: types.BucketVersioningStatusEnabled,
		}})
	}
	if err != nil {
		t.Fatalf("make bucket: %v", err)
	}
	return name
}

// User makes a user who may have buckets and has no other right.
func (s *Server) User(t testing.TB) Key {
	t.Helper()
	key := newKey()
	cmd := exec.CommandContext(t.Context(), s.program, "admin", "--region", Region, "--endpoint-url", s.URL(), "create-user",
		"--access", key.ID, "--secret", key.Secret, "--role", "userplus")
	cmd.Env = append(os.Environ(), "ADMIN_ACCESS_KEY_ID="+s.Root.ID, "ADMIN_SECRET_ACCESS_KEY="+s.Root.Secret)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make user: %v\n%s", err, strings.TrimSpace(string(out)))
	}
	return key
}
