package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/vt"
	"golang.org/x/sys/unix"
)

// terminal is a program on a pseudo-terminal, and what the terminal shows.
type terminal struct {
	cmd    *exec.Cmd
	master *os.File
	screen *vt.Emulator

	mu     sync.Mutex
	text   string        // what is shown
	frames int           // reads of the program's output
	more   chan struct{} // closed with each of them
	ended  bool
}

// start runs a program on a terminal of that size.
func start(width, height int, env []string, program string, args ...string) (*terminal, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)})) //nolint:gosec // a terminal's size
	if err != nil {
		return nil, errors.Join(err, master.Close())
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, errors.Join(err, master.Close())
	}
	t := &terminal{cmd: exec.Command(program, args...), master: master, screen: vt.NewEmulator(width, height), more: make(chan struct{})} //nolint:gosec,noctx // the program that is measured
	t.cmd.Stdin, t.cmd.Stdout, t.cmd.Stderr, t.cmd.Env = tty, tty, tty, env
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = t.cmd.Start()
	if err = errors.Join(err, tty.Close()); err != nil {
		return nil, errors.Join(err, master.Close())
	}
	go func() { _, _ = io.Copy(master, t.screen) }() // what a terminal answers; ends with the emulator
	go t.read()
	return t, nil
}

// read shows what the program writes; it ends with the program.
func (t *terminal) read() {
	buf := make([]byte, 64<<10)
	for {
		n, err := t.master.Read(buf)
		_, _ = t.screen.Write(buf[:n])
		text := t.screen.String()
		t.mu.Lock()
		t.text, t.ended = text, err != nil
		t.frames++
		close(t.more)
		t.more = make(chan struct{})
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (t *terminal) keys(s string) error {
	_, err := t.master.WriteString(s)
	return err
}

// shown is what the terminal shows now.
func (t *terminal) shown() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text
}

var errNotShown = errors.New("it does not come")

// until waits until the terminal shows what is wanted, and says when.
func (t *terminal) until(what string, wanted func(text string) bool, limit time.Duration) (time.Time, error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		t.mu.Lock()
		text, more, ended := t.text, t.more, t.ended
		t.mu.Unlock()
		if wanted(text) {
			return time.Now(), nil
		}
		if ended {
			return time.Time{}, fmt.Errorf("%s: the program ended:\n%s", what, text)
		}
		select {
		case <-more:
		case <-late.C:
			return time.Time{}, fmt.Errorf("%s: %w in %s:\n%s", what, errNotShown, limit, text)
		}
	}
}

func has(part string) func(string) bool {
	return func(text string) bool { return strings.Contains(text, part) }
}

// press sends a key and returns the time until the terminal shows something else.
func (t *terminal) press(key string, limit time.Duration) (time.Duration, error) {
	before := t.shown()
	began := time.Now()
	if err := t.keys(key); err != nil {
		return 0, err
	}
	at, err := t.until(fmt.Sprintf("after key %q", key), func(text string) bool { return text != before }, limit)
	return at.Sub(began), err
}

// end waits for the program.
func (t *terminal) end() error {
	err := t.cmd.Wait()
	return errors.Join(err, t.screen.Close(), t.master.Close())
}

// memory is the proportional memory of the program and its children, in bytes.
func (t *terminal) memory() (sum int64) {
	for _, pid := range family(t.cmd.Process.Pid) {
		b, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup")) // gone: nothing
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				sum += kib << 10
			}
		}
	}
	return sum
}

// family is a process and its descendants.
func family(pid int) []int {
	out := []int{pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		for _, child := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(child); err == nil {
				out = append(out, family(n)...)
			}
		}
	}
	return out
}
