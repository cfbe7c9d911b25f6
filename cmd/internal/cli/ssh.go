package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/sshserve"
)

// sshOptions say who may sit before the archive from elsewhere.
type sshOptions struct {
	address    string
	authorized string
	readers    string
	hostKey    string
	idle       time.Duration
	sessions   int
}

func (o *sshOptions) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.address, "ssh", "", "serve the workstation over SSH at [HOST]:PORT to those whose keys are listed")
	f.StringVar(&o.authorized, "ssh-authorized-keys", "", "who gets in: a file in OpenSSH's format; a key with the option read-only changes nothing")
	f.StringVar(&o.readers, "ssh-read-only-keys", "", "who else gets in, and changes nothing: a file in the same format")
	f.StringVar(&o.hostKey, "ssh-host-key", "", "the host's private key (default: made once, in the state folder)")
	f.DurationVar(&o.idle, "ssh-idle", 30*time.Minute, "end a session in which nothing is typed for so long; 0 never does")
	f.IntVar(&o.sessions, "ssh-sessions", 8, "sessions at once")
}

// listen begins to serve; each session opens the archive for itself.
func (o sshOptions) listen(ctx context.Context, env *site.Env, g *site.Globals, tui tuiOptions, log *slog.Logger) (*sshserve.Server, error) {
	switch {
	case o.authorized == "":
		return nil, site.Usagef("--ssh needs --ssh-authorized-keys FILE: nobody else is let in")
	case o.sessions < 1 || o.sessions > 1000:
		return nil, site.Usagef("--ssh-sessions %d: want 1 to 1000", o.sessions)
	case o.idle < 0:
		return nil, site.Usagef("--ssh-idle %s: want 0 or more", o.idle)
	}
	if o.hostKey == "" {
		o.hostKey = filepath.Join(stateDir(), "ssh_host_ed25519_key")
	}
	server, err := sshserve.Listen(ctx, sshserve.Config{
		Address: o.address, HostKey: o.hostKey, Authorized: o.authorized, Readers: o.readers, Idle: o.idle, Sessions: o.sessions, Log: log,
		Program: func(ctx context.Context, s sshserve.Session) error { return sit(ctx, env, g, distantSeat(env, tui, s)) },
	})
	var network *net.OpError
	if err != nil && !errors.As(err, &network) {
		return nil, site.Usage(err)
	}
	return server, err //nolint:wrapcheck // says what it did
}

// distantSeat is one that SSH has brought here. What its terminal can do is
// said by the variables that the client sent; without a locale it is taken for
// one with Unicode, as terminals are.
func distantSeat(env *site.Env, o tuiOptions, s sshserve.Session) seat {
	vars := map[string]string{}
	located := false
	for _, kv := range s.Environ {
		name, value, _ := strings.Cut(kv, "=")
		vars[name] = value
		located = located || name == "LANG" || strings.HasPrefix(name, "LC_")
	}
	if !located {
		vars["LANG"] = "C.UTF-8"
	}
	at := seat{
		tuiOptions: o, name: "ssh-" + s.ID, resized: s.Resized,
		terminal: &site.Env{Now: env.Now, Getenv: func(name string) string { return vars[name] }},
		options: append(terminalOptions(s.In, s.Out, s.Environ), tea.WithColorProfile(colorprofile.Env(s.Environ)),
			tea.WithWindowSize(s.Size.Width, s.Size.Height), tea.WithoutSignalHandler()),
	}
	switch {
	case o.readOnly:
		at.why = "the server was started so"
	case s.ReadOnly:
		at.why = "this SSH key may only read"
	}
	return at
}

// serveTUI serves the workstation over SSH until it is told to end.
func serveTUI(ctx context.Context, env *site.Env, g *site.Globals, o tuiOptions) error {
	if _, _, err := o.style(env, nil); err != nil {
		return err
	}
	w, err := openReader(ctx, env, g) // what is wrong with it is said here, not to the first who comes
	if err != nil {
		return err
	}
	w.Close()
	log := slog.New(slog.NewTextHandler(env.Err, nil))
	server, err := o.ssh.listen(ctx, env, g, o, log)
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "the workstation is served over SSH", "address", server.Address().String(), "host_key", server.Fingerprint())
	if err := server.Serve(ctx); err != nil {
		return fmt.Errorf("workstation over SSH: %w", err)
	}
	return nil
}

// withSSH makes a command that runs for long serve the workstation beside what it does.
func withSSH(cmd *cobra.Command, env *site.Env, g *site.Globals) *cobra.Command {
	var o sshOptions
	o.addTo(cmd)
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.address == "" {
			return run(cmd, args)
		}
		ctx, stop := context.WithCancel(cmd.Context())
		log := slog.New(slog.NewTextHandler(env.Err, nil))
		server, err := o.listen(ctx, env, g, tuiOptions{theme: "auto"}, log)
		if err != nil {
			stop()
			return err
		}
		log.InfoContext(ctx, "the workstation is served over SSH", "address", server.Address().String(), "host_key", server.Fingerprint())
		var served sync.WaitGroup
		served.Go(func() {
			if err := server.Serve(ctx); err != nil {
				log.ErrorContext(ctx, "the workstation is not served over SSH any more", "error", err)
			}
		})
		defer served.Wait()
		defer stop()
		return run(cmd, args)
	}
	return cmd
}
