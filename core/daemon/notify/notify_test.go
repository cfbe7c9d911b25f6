package notify_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/daemon/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen is systemd's end: a real datagram socket in NOTIFY_SOCKET.
func listen(t *testing.T) *net.UnixConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") //nolint:usetesting // a socket's path has 107 bytes at most; t.TempDir may be longer
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

//nolint:paralleltest // the socket is named in the environment
func TestMessages(t *testing.T) {
	conn := listen(t)
	for _, c := range []struct {
		send func() error
		want string
	}{
		{func() error { return notify.Ready("collecting 3 zones") }, `^READY=1\nSTATUS=collecting 3 zones$`},
		{func() error { return notify.Stopping("draining") }, `^STOPPING=1\nSTATUS=draining$`},
		{notify.Reloading, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n$`},
		{func() error { return notify.Status("2 zones blocked\nWATCHDOG=1\x1b[2J\xff") }, `^STATUS=2 zones blocked WATCHDOG=1 \[2J\?$`},
		{func() error { return notify.Status(strings.Repeat("é", 1000)) }, `^STATUS=é{250}$`},
	} {
		if err := c.send(); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, conn); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("got %q, want %s", got, c.want)
		}
	}
}

func TestWatchdogStopsWithTheLoop(t *testing.T) {
	conn := listen(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	ctx, cancel := context.WithCancel(t.Context())
	asked, done := make(chan int), make(chan error, 1)
	go func() { // ends with ctx
		n := 0
		done <- notify.Watch(ctx, func() bool {
			n++
			select {
			case asked <- n:
			case <-ctx.Done():
			}
			return n <= 3
		})
	}()
	for range 10 { // seven of them after the loop has stopped
		<-asked
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := receive(t, conn); got != "WATCHDOG=1" {
			t.Errorf("got %q", got)
		}
	}
	if err := conn.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 100)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the watchdog of a dead loop was fed: %d bytes, %v", n, err)
	}
}

func TestWithoutSystemd(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	alive := func() bool { t.Error("asked in vain"); return true }
	for _, err := range []error{notify.Ready("x"), notify.Stopping("x"), notify.Reloading(), notify.Status("x"), notify.Watch(t.Context(), alive)} {
		if err != nil {
			t.Error(err)
		}
	}
}

// TestWatchdogOfAnother: a plugin inherits the variables, and is not who is watched.
func TestWatchdogOfAnother(t *testing.T) {
	listen(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", "1")
	if err := notify.Watch(t.Context(), func() bool { t.Error("asked in vain"); return true }); err != nil {
		t.Error(err)
	}
}

func TestSocketGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none"))
	if err := notify.Ready("x"); err == nil {
		t.Error("told nobody, and no error")
	}
	t.Setenv("WATCHDOG_USEC", "soon")
	if err := notify.Watch(t.Context(), func() bool { return true }); err == nil {
		t.Error("an interval that is none was taken")
	}
}
