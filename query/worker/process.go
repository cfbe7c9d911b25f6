package worker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one worker process, from the asking side.
type process struct {
	cmd    *exec.Cmd
	folder *folder
	in     *os.File // its standard input
	out    *os.File // its standard output
	frames *frameWriter
	answer *frameReader
	tail   *tail
	exited chan struct{} // closed once it is reaped, and what it started is dead

	mu     sync.Mutex
	reaped bool
	err    error // of its end
}

// start starts a worker. It must be ended with end.
func start(cfg Config) (*process, error) {
	dir, err := newFolder(cfg.TempDir)
	if err != nil {
		return nil, err
	}
	p := &process{folder: dir, tail: &tail{to: cfg.Stderr}, exited: make(chan struct{})}
	if err := p.launch(cfg); err != nil {
		return nil, fmt.Errorf("start query process: %w", errors.Join(err, dir.remove()))
	}
	return p, nil
}

func (p *process) launch(cfg Config) (err error) {
	var files []*os.File // read and write ends of stdin, stdout and stderr
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(files)
			return fmt.Errorf("make pipe: %w", err)
		}
		files = append(files, r, w)
	}
	theirs := []*os.File{files[0], files[3], files[5]}
	defer closeAll(theirs)
	p.in, p.out = files[1], files[2]
	p.frames, p.answer = &frameWriter{w: p.in}, &frameReader{r: p.out}
	p.cmd = &exec.Cmd{
		Path: cfg.Path, Args: append([]string{cfg.Path}, cfg.Args...),
		Env:   append(withoutTemp(cfg.Env), "TMPDIR="+p.folder.path),
		Stdin: theirs[0], Stdout: theirs[1], Stderr: theirs[2], SysProcAttr: attributes(),
	}
	started := make(chan error, 1)
	go p.run(cfg.Nice, started, files[4])
	if err := <-started; err != nil {
		closeAll([]*os.File{files[1], files[2], files[4]})
		return err
	}
	return nil
}

func withoutTemp(env []string) []string {
	var out []string
	for _, e := range env {
		if !strings.HasPrefix(e, "TMPDIR=") {
			out = append(out, e)
		}
	}
	return out
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // pipes of which nothing is expected
	}
}

// run starts the process and waits for it, all on one thread of the system:
// Pdeathsig fires when the *thread* that forked ends, and the Go runtime ends
// threads when it likes unless a goroutine is locked to them. It ends with the process.
func (p *process) run(nice int, started chan<- error, stderr *os.File) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	if nice > 0 {
		lower(p.cmd.Process.Pid, nice)
	}
	var told sync.WaitGroup
	told.Go(func() { _, _ = io.Copy(p.tail, stderr) }) // until the process ends
	started <- nil
	reaped, err := awaitExit(p.cmd)
	p.mu.Lock()
	killGroup(p.cmd.Process.Pid) // whatever it started dies with it
	if !reaped {
		err = p.cmd.Wait()
	}
	p.reaped, p.err = true, err
	p.mu.Unlock()
	// Something that left the group may still hold the pipes.
	grace := time.Now().Add(Grace)
	_ = p.out.SetReadDeadline(grace)
	_ = stderr.SetReadDeadline(grace)
	told.Wait()
	_ = stderr.Close() // it was only read
	close(p.exited)
}

// killGroup kills what is in the process group led by pid.
func killGroup(pid int) {
	if pid > 1 { // 0 and 1 would mean other groups altogether
		_ = syscall.Kill(-pid, syscall.SIGKILL) // an empty group is a dead one
	}
}

// kill ends the process and its group at once. It never signals an id that has
// been reaped and may be someone else's.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		killGroup(p.cmd.Process.Pid)
	}
}

func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// endsWithin gives the process some time to end by itself, and kills it if it
// does not. It reports whether it did.
func (p *process) endsWithin(grace time.Duration) bool {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
		p.kill()
		<-p.exited
		return false
	}
}

// end ends the process, by itself or killed. It may be called once, and
// leaves nothing of it.
func (p *process) end(grace time.Duration) error {
	_ = p.in.Close() // which tells it
	p.endsWithin(grace)
	_ = p.out.Close() // it was only read
	if err := p.folder.remove(); err != nil {
		return fmt.Errorf("remove the query process's temporary folder: %w", err)
	}
	return nil
}

// died is the error of a process that has ended by itself.
func (p *process) died() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	why := "exit status 0"
	if p.err != nil {
		why = p.err.Error()
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() == syscall.SIGKILL {
			why += " (by somebody, or because memory ran out: query.memory in the config bounds it)"
		}
	}
	if last := p.tail.last(); last != "" {
		why += ": " + last
	}
	return fmt.Errorf("%w: %s", ErrDied, why)
}

// tail passes on what a worker says on standard error, and keeps its end.
type tail struct {
	to io.Writer // or nil

	mu  sync.Mutex
	buf []byte
}

const maxTail = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if len(t.buf) > maxTail {
		t.buf = append([]byte(nil), t.buf[len(t.buf)-maxTail:]...)
	}
	if t.to != nil {
		_, _ = t.to.Write(b) // the answer matters more
	}
	return len(b), nil
}

// last is the first line of the end that says what a crash is, or its last.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.buf)), "\n")
	for _, line := range lines {
		for _, word := range []string{"fatal error", "panic:", "terminate called", "runtime:"} {
			if strings.HasPrefix(line, word) {
				return line
			}
		}
	}
	return lines[len(lines)-1]
}
