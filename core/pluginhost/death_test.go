//go:build linux

package pluginhost

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// watchPID returns a function that waits until the process has ended.
func watchPID(t *testing.T, pid int) func(*testing.T) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("watch process %d: %v", pid, err)
	}
	return func(t *testing.T) {
		t.Helper()
		defer func() { _ = unix.Close(fd) }()
		deadline := time.Now().Add(20 * time.Second)
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 1000)
			if n == 1 {
				return
			}
			if err != nil && err != unix.EINTR || time.Now().After(deadline) {
				t.Fatalf("process %d still runs: %v", pid, err)
			}
		}
	}
}

// hostUntilKilled is the main of a host that is going to be killed.
func hostUntilKilled() {
	h, err := New(Config{})
	if err != nil {
		panic(err)
	}
	i, err := h.Launch(context.Background(), Self(wire.KindStorage, "facts", greeting()))
	if err != nil {
		panic(err)
	}
	fmt.Println(i.current.process.ID(), h.sockets.path)
	select {}
}

// A host that is killed takes its plugins with it.
func TestPluginDiesWithItsHost(t *testing.T) {
	t.Parallel()
	host := exec.Command("/proc/self/exe", "host-until-killed")
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var dir string
	if _, err := fmt.Fscan(bufio.NewReader(out), &pid, &dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	gone := watchPID(t, pid)
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait() // killed
	gone(t)
	// What it left in the file system goes with the next host, not that of the living.
	next, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("folder of a dead host's sockets: %v", err)
	}
	other, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(next.sockets.path); err != nil {
		t.Errorf("folder of a living host's sockets: %v", err)
	}
	if err := errors.Join(next.Close(context.Background()), other.Close(context.Background())); err != nil {
		t.Error(err)
	}
}

// Pdeathsig means the thread, not the process: a plugin must outlive the
// thread on which Launch was called.
func TestPluginOutlivesTheLaunchingThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	launched := make(chan *Instance)
	tid := make(chan int, 1)
	var onThread func()
	onThread = func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		if unix.Gettid() == os.Getpid() {
			// The main thread is the one that the runtime never ends.
			done := make(chan struct{})
			go func() { defer close(done); onThread() }()
			<-done
			return
		}
		tid <- unix.Gettid()
		i, err := b.Launch(context.Background(), Self(wire.KindStorage, "facts", greeting()))
		if err != nil {
			t.Error(err)
		}
		launched <- i
	}
	go onThread()
	i := <-launched
	if i == nil {
		t.FailNow()
	}
	task := fmt.Sprintf("/proc/self/task/%d", <-tid)
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		if _, err := os.Stat(task); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the runtime keeps the thread")
		}
	}
	s, err := i.Storage()
	if err != nil {
		t.Fatal(err)
	}
	before := i.current
	pidOf(t, s)
	if i.current != before {
		t.Error("the plugin had to be started again")
	}
}
