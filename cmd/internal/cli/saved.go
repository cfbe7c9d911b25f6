package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/adrg/xdg"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/saved"
)

// openLibrary opens the program's saved queries and those of the user's
// folder and of the config's, and says what is wrong with them.
func openLibrary(env *site.Env, g *site.Globals) (*saved.Library, error) {
	l, err := findLibrary(env, g)
	if err != nil {
		return nil, err
	}
	for _, notice := range l.Notices() {
		_, _ = fmt.Fprintln(env.Err, "note:", strings.ReplaceAll(site.SafeLine(notice), "\n", " ")) // nobody reads it
	}
	return l, nil
}

// findLibrary is openLibrary without a word.
func findLibrary(env *site.Env, g *site.Globals) (*saved.Library, error) {
	folders := []string{filepath.Join(xdg.ConfigHome, "rainlogs", "queries")}
	if path, err := config.Find(g.Config, env.Getenv); err == nil { // the program's need no config
		if beside := filepath.Join(filepath.Dir(path), "queries"); !slices.Contains(folders, beside) {
			folders = append(folders, beside)
		}
	}
	l, err := saved.Open(folders...)
	if err != nil {
		return nil, fmt.Errorf("open saved queries: %w", err)
	}
	return l, nil
}

// tellSaved lists the saved queries, or shows one.
func tellSaved(env *site.Env, l *saved.Library, verb string, args []string, f format.Format) error {
	if verb == "show" {
		if len(args) != 1 {
			return site.Usagef("--saved show wants one NAME (rainlogs query --saved list)")
		}
		q, err := l.Find(args[0])
		if err != nil {
			return site.Usagef("--saved show: %w (rainlogs query --saved list)", err)
		}
		if f == format.JSON {
			return site.PrintJSON(env.Out, q)
		}
		_, err = fmt.Fprintf(env.Out, "-- from: %s\n%s\n", strings.ReplaceAll(site.SafeLine(q.From), "\n", " "), site.SafeLine(strings.TrimSpace(q.SQL)))
		return err //nolint:wrapcheck // standard output is gone
	}
	if len(args) != 0 {
		return site.Usagef("--saved list takes no argument")
	}
	if f == format.JSON {
		return site.PrintJSON(env.Out, l.All())
	}
	return site.Table(env.Out, "NAME\tSEVERITY\tTITLE\tPARAMETERS\tFROM", func(row func(...any)) {
		for _, q := range l.All() {
			var params []string
			for _, p := range q.Params {
				params = append(params, p.String())
			}
			row(q.Name, q.Severity, q.Title, strings.Join(params, " "), q.From)
		}
	})
}
