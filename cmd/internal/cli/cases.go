package cli

import (
	"context"
	"os"
	"os/user"
	"path/filepath"

	"github.com/adrg/xdg"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
)

// openBook opens the cases of the workspace's archive for a person. A session is the
// workstation, whose coming and going a case notes.
func (w *workspace) openBook(person string, session, readOnly bool) (*casebook.Book, error) {
	return casebook.Open(casebook.Config{
		Dir: filepath.Join(xdg.DataHome, "rainlogs", "cases"), Archive: w.Archive, Who: person, Program: "rainlogs " + site.Version,
		Now: w.Env.Now, Session: session, ReadOnly: readOnly,
	})
}

// closeBook notes that the workstation no longer works on its case.
func (w *workspace) closeBook(b *casebook.Book) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), site.CloseTimeout)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		w.Logger().Warn("close case", "error", err)
	}
}

// who is the person at this machine, as far as it knows.
func who() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}
