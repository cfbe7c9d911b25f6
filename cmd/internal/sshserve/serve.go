package sshserve

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"charm.land/ssh"
	"charm.land/wish/v2"
	gossh "golang.org/x/crypto/ssh"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
)

// Config is what a Server is made of.
type Config struct {
	Address    string        // to listen on, ":2222"
	HostKey    string        // path of the host's key; it is made if there is none
	Authorized string        // path of who gets in
	Readers    string        // path of more, who may only read; "" for none
	Idle       time.Duration // without a key pressed, after which a session ends; 0 = never
	Sessions   int           // at once
	Log        *slog.Logger
	// Program runs what a session is for, until its person leaves or ctx ends.
	Program func(ctx context.Context, s Session) error
}

// Session is a person at a terminal elsewhere.
type Session struct {
	In       io.Reader
	Out      io.Writer
	Environ  []string // of the terminal: TERM, COLORTERM, the locale, NO_COLOR
	Size     Size
	Resized  <-chan Size // closed when no more will come
	ReadOnly bool
	ID       string // of the person's key, the same each time
}

// Size is a terminal's, in cells.
type Size struct{ Width, Height int }

// Server listens.
type Server struct {
	cfg      Config
	keys     keyFiles
	ssh      *ssh.Server
	listener net.Listener
	host     gossh.Signer
	ctx      context.Context //nolint:containedctx // ends the sessions, which outlive no call but Serve
	end      context.CancelFunc
	sessions atomic.Int64
	conns    atomic.Int64
	running  sync.WaitGroup // sessions
}

const (
	handshake = 30 * time.Second // in which somebody has to be let in
	drain     = 20 * time.Second // for programs to end when the server does, and the questions that they ask
	// waitingRoom is how many connections there may be beyond the sessions: who is not let in yet.
	waitingRoom = 16
)

// Listen begins to listen; nobody is let in before Serve.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, keys: keyFiles{cfg.Authorized, cfg.Readers}}
	if err := s.keys.check(); err != nil {
		return nil, err
	}
	var err error
	if s.host, err = hostKey(cfg.HostKey); err != nil {
		return nil, err
	}
	s.ssh, err = wish.NewServer(
		func(srv *ssh.Server) error { srv.AddHostKey(s.host); return nil },
		wish.WithVersion("RainLogs"),
		wish.WithPublicKeyAuth(s.known),
		wish.WithMiddleware(func(ssh.Handler) ssh.Handler { return s.handle }),
	)
	if err != nil {
		return nil, fmt.Errorf("set up SSH: %w", err)
	}
	s.ssh.HandshakeTimeout, s.ssh.ConnCallback, s.ssh.ConnectionCloseCallback = handshake, s.connected, s.closed
	s.ssh.SubsystemHandlers = map[string]ssh.SubsystemHandler{}
	var lc net.ListenConfig
	if s.listener, err = lc.Listen(ctx, "tcp", cfg.Address); err != nil {
		return nil, fmt.Errorf("serve SSH: %w", err)
	}
	s.ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Address is where it listens.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Fingerprint is the host key's, as ssh shows it.
func (s *Server) Fingerprint() string { return gossh.FingerprintSHA256(s.host.PublicKey()) }

// Serve lets people in until ctx ends, and returns when they have left.
func (s *Server) Serve(ctx context.Context) error {
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = s.listener.Close() // nobody comes any more
		s.end()
		left := make(chan struct{})
		go func() { defer close(left); s.running.Wait() }()
		select {
		case <-left:
		case <-time.After(drain):
		}
		_ = s.ssh.Close() // what is still connected is cut
	})
	err := s.ssh.Serve(s.listener)
	if !stop() {
		<-stopped
		s.running.Wait()
		return nil
	}
	s.end()
	return errors.Join(fmt.Errorf("serve SSH: %w", err), s.ssh.Close())
}

// connected bounds who may knock at once.
func (s *Server) connected(_ ssh.Context, conn net.Conn) net.Conn {
	if s.conns.Add(1) > int64(s.cfg.Sessions+waitingRoom) {
		s.conns.Add(-1)
		return nil
	}
	return conn
}

func (s *Server) closed(net.Conn) { s.conns.Add(-1) }

// known reports whether a key is worth a signature.
func (s *Server) known(ctx ssh.Context, key ssh.PublicKey) bool {
	may, err := s.keys.access(key)
	if err != nil {
		s.cfg.Log.ErrorContext(ctx, "nobody is let in", "error", err)
	}
	return may != none
}

// handle is a session, from the key that has signed to the end of its program.
func (s *Server) handle(sess ssh.Session) {
	s.running.Add(1) // until the last word is said
	defer s.running.Done()
	defer func() {
		if r := recover(); r != nil {
			s.cfg.Log.Error("a session has failed", "panic", fmt.Sprint(r))
			_ = sess.Exit(1)
		}
	}()
	code, text := s.serve(sess)
	if text != "" {
		_, _ = io.WriteString(sess.Stderr(), "rainlogs: "+site.SafeLine(text)+"\r\n") // they may be gone
	}
	_ = sess.Exit(code)
}

// serve runs a session's program and says how it ended.
func (s *Server) serve(sess ssh.Session) (code int, text string) {
	pty, windows, terminal := sess.Pty()
	sizes := make(chan Size, 1)
	if terminal {
		go drainSizes(windows, sizes)
	}
	may, err := s.keys.access(sess.PublicKey())
	switch {
	case err != nil || may == none:
		return 255, "this key is not let in any more"
	case sess.RawCommand() != "" || !terminal:
		return 2, "there is the workstation here, on a terminal, and nothing else: ssh -t, without a command"
	}
	if s.sessions.Add(1) > int64(s.cfg.Sessions) {
		s.sessions.Add(-1)
		return 1, fmt.Sprintf("%d sessions are open, and no more may be", s.cfg.Sessions)
	}
	defer s.sessions.Add(-1)
	if s.ctx.Err() != nil {
		return 1, errStopped.Error()
	}
	ctx, cancel := context.WithCancelCause(sess.Context())
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(errStopped) })()
	in := newWatched(sess, s.cfg.Idle, func() { cancel(errIdle) })
	defer in.stop()
	id := sha256.Sum256(sess.PublicKey().Marshal())
	log := s.cfg.Log.With("key", gossh.FingerprintSHA256(sess.PublicKey()), "user", sess.User(), "from", sess.RemoteAddr().String(), "read_only", may == reads)
	log.InfoContext(ctx, "a session begins")
	err = s.cfg.Program(ctx, Session{
		In: in, Out: sess, Environ: terminalEnviron(sess.Environ(), pty.Term), Size: Size{pty.Window.Width, pty.Window.Height},
		Resized: sizes, ReadOnly: may == reads, ID: hex.EncodeToString(id[:8]),
	})
	log.InfoContext(ctx, "a session ends", "error", err)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errIdle), errors.Is(cause, errStopped):
		return 0, cause.Error()
	case err != nil:
		return 1, err.Error()
	}
	return 0, ""
}

var (
	errIdle    = errors.New("nothing was typed for long: the session has ended, and is there again at the next one")
	errStopped = errors.New("the server ends")
)

// drainSizes passes sizes on, the latest where there are several, until no more come.
func drainSizes(windows <-chan ssh.Window, sizes chan Size) {
	defer close(sizes)
	for w := range windows {
		select {
		case <-sizes:
		default:
		}
		sizes <- Size{w.Width, w.Height}
	}
}

// terminalEnviron is what of a client's environment concerns its terminal.
func terminalEnviron(environ []string, term string) []string {
	const maxValue, maxVariables = 200, 20
	out := []string{"TERM=" + term}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if len(value) > maxValue || len(out) > maxVariables {
			continue
		}
		switch {
		case name == "LANG", strings.HasPrefix(name, "LC_"), name == "COLORTERM", name == "NO_COLOR", name == "TERM_PROGRAM":
			out = append(out, kv)
		}
	}
	return out
}

// watched is an input that ends a session when nothing comes for long.
type watched struct {
	io.Reader
	idle  time.Duration
	timer *time.Timer // nil: for ever
}

func newWatched(in io.Reader, idle time.Duration, end func()) *watched {
	w := &watched{Reader: in, idle: idle}
	if idle > 0 {
		w.timer = time.AfterFunc(idle, end)
	}
	return w
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if w.timer != nil && n > 0 {
		w.timer.Reset(w.idle)
	}
	return n, err //nolint:wrapcheck // an io.Reader's own
}

func (w *watched) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
