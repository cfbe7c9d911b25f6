package site

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
)

// Env is what a command sees of the world.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	Environ  []string
	Getenv   func(string) string
	Now      func() time.Time
	// CanonicalName says what a host's name is an alias of in the DNS, itself if
	// of nothing; nil: nobody is asked.
	CanonicalName func(ctx context.Context, host string) (string, error)
	// Terminal reports whether Err is a terminal, so that progress makes sense.
	Terminal bool
	// Interactive reports whether In is one too, so that a question can be asked.
	Interactive bool
	// OutTerminal reports whether Out is one, so that foreign text must be made harmless.
	OutTerminal bool
}

// OS returns the process's own Env.
func OS() *Env {
	return &Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(),
		Getenv: os.Getenv, Now: time.Now, CanonicalName: canonicalName, Terminal: term.IsTerminal(os.Stderr.Fd()),
		Interactive: term.IsTerminal(os.Stdin.Fd()) && term.IsTerminal(os.Stderr.Fd()),
		OutTerminal: term.IsTerminal(os.Stdout.Fd()),
	}
}

// Unicode reports whether more than ASCII may be drawn with: the locale has
// it, by the first of its variables that is set (POSIX, 8.2), and NO_COLOR does
// not ask for plain output.
func (e *Env) Unicode() bool {
	if e.Getenv("NO_COLOR") != "" {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := e.Getenv(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}
