package pluginhost

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"github.com/fabriziosalmi/rainlogs/core/background"
)

// process is one run of a plugin's program. It is go-plugin's Runner because
// go-plugin's own hands down the host's standard input, leaves the plugin in
// the host's process group, and waits for ever for a pipe that a grandchild
// holds open.
type process struct {
	spec   Spec
	log    io.Writer     // takes what is printed before the handshake
	exited chan struct{} // closed once the process is reaped

	// Set by RunnerFunc and Start.
	env    []string
	tmp    string // the socket folder
	stdout *os.File
	stderr *os.File
	lines  io.ReadCloser // stdout without what is no handshake

	mu      sync.Mutex
	pid     int
	started bool
	killed  bool
	reaped  bool
	err     error // of the exit
}

var _ runner.Runner = (*process)(nil)

// Start starts the program with the environment that go-plugin asks for.
func (p *process) Start(context.Context) error {
	path, args, err := p.spec.program()
	if err != nil {
		close(p.exited)
		return err
	}
	var files [4]*os.File // read and write ends of stdout, then of stderr
	for i := 0; i < len(files); i += 2 {
		if files[i], files[i+1], err = os.Pipe(); err != nil {
			closeAll(files[:i])
			close(p.exited)
			return fmt.Errorf("make pipe: %w", err)
		}
	}
	p.stdout, p.stderr = files[0], files[2]
	cmd := &exec.Cmd{
		Path:        path,
		Args:        append([]string{p.spec.title()}, args...),
		Env:         p.spec.environ(p.env),
		Stdin:       nil, // the null device: a terminal must not be handed down
		Stdout:      files[1],
		Stderr:      files[3],
		SysProcAttr: processAttributes(),
	}
	started := make(chan error, 1)
	go p.run(cmd, started)
	if err := <-started; err != nil {
		closeAll(files[:])
		return fmt.Errorf("start program: %w", err)
	}
	closeAll([]*os.File{files[1], files[3]}) // the plugin's ends
	p.lines = onlyHandshake(p.stdout, p.log)
	return nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // pipes of which nothing is expected
	}
}

// run starts the process and waits for it, all on one thread of the system:
// Pdeathsig fires when the *thread* that forked ends, and the Go runtime ends
// threads when it likes unless a goroutine is locked to them.
func (p *process) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.exited)
	if err := p.fork(cmd); err != nil {
		started <- err
		return
	}
	started <- nil
	reaped, err := awaitExit(cmd)
	p.mu.Lock()
	killGroup(p.pid) // whatever it started dies with it
	if !reaped {
		err = cmd.Wait()
	}
	p.reaped, p.err = true, err
	p.mu.Unlock()
	// Something that left the group may still hold the pipes.
	grace := time.Now().Add(time.Second)
	_ = p.stdout.SetReadDeadline(grace)
	_ = p.stderr.SetReadDeadline(grace)
}

func (p *process) fork(cmd *exec.Cmd) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return errors.New("called off")
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.pid, p.started = cmd.Process.Pid, true
	background.LowerGroup(p.pid)
	return nil
}

// kill ends the process and its group at once, or keeps it from starting. It
// never signals an id that has been reaped and may be someone else's.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.started && !p.reaped {
		killGroup(p.pid)
	}
}

// handshakeLine is what go-plugin's server prints first: core version, our
// version, network, address, protocol, certificate.
var handshakeLine = regexp.MustCompile(`^[0-9]{1,4}\|[0-9]{1,9}\|`)

// onlyHandshake passes the one line that looks like a handshake on, and gives
// all that is printed before and after it to the log.
func onlyHandshake(in io.ReadCloser, log io.Writer) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		defer func() { _ = in.Close() }()
		lines := bufio.NewReaderSize(in, maxHandshake)
		for {
			line, err := lines.ReadSlice('\n')
			if handshakeLine.Match(line) && err == nil {
				_, _ = w.Write(line) // the reader may have given up
				_ = w.Close()
				_, _ = io.Copy(log, lines) // until the process ends
				return
			}
			_, _ = log.Write(line)
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				_ = w.Close()
				return
			}
		}
	}()
	return r
}

// maxHandshake is the longest handshake line: a certificate is about 1 KiB.
const maxHandshake = 16 << 10

// What follows is runner.Runner as go-plugin calls it.

func (p *process) Diagnose(context.Context) string { return "" }
func (p *process) Stdout() io.ReadCloser           { return p.lines }
func (p *process) Stderr() io.ReadCloser           { return p.stderr }
func (p *process) Name() string                    { return p.spec.Name }

func (p *process) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strconv.Itoa(p.pid)
}

func (p *process) Wait(context.Context) error {
	<-p.exited
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *process) Kill(context.Context) error {
	p.kill()
	return nil
}

// PluginToHost accepts only a socket in the folder that the plugin was given:
// it must not have the host connect to anything else.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(address) != p.tmp {
		return "", "", fmt.Errorf("plugin listens on %.20q %.200q, not on a socket in its folder", network, address)
	}
	return network, address, nil
}

func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
