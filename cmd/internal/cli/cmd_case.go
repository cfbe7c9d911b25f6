package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

func newCase(env *site.Env, g *site.Globals) *cobra.Command {
	return site.NewGroup("case", "Keep records, notes and what was done in a case, and hand the records out with their proofs",
		newCaseList(env, g), newCaseShow(env, g), newCaseNew(env, g), newCaseMark(env, g), newCaseNote(env, g), newCaseExport(env, g), newCaseCheck(env, g))
}

// withBook opens the archive and its cases for as long as f runs.
func withBook(ctx context.Context, env *site.Env, g *site.Globals, f func(w *workspace, b *casebook.Book) error) error {
	w, err := openReader(ctx, env, g)
	if err != nil {
		return err
	}
	defer w.Close()
	b, err := w.openBook(who(), false, false)
	if err != nil {
		return err
	}
	return f(w, b)
}

// caseOf is the case that args name, the current one if they name none.
func caseOf(b *casebook.Book, args []string) (*casebook.Case, error) {
	var c *casebook.Case
	var err error
	if len(args) > 0 {
		c, err = b.Case(args[0])
	} else {
		c, err = b.Current()
	}
	switch {
	case errors.Is(err, casebook.ErrNotFound):
		return nil, site.Usagef("%w (rainlogs case list)", err)
	case err != nil:
		return nil, err
	case c == nil:
		return nil, site.Usagef("the archive has no case yet: rainlogs case new TITLE, or a bookmark in rainlogs tui")
	}
	return c, nil
}

// caseSummary is a case in a list.
type caseSummary struct {
	Name      string    `json:"name"`
	Title     string    `json:"title"`
	Current   bool      `json:"current"`
	Created   time.Time `json:"created"`
	By        string    `json:"by"`
	Updated   time.Time `json:"updated"`
	Bookmarks int       `json:"bookmarks"`
	Notes     int       `json:"notes"`
	Events    int       `json:"events"`
	Head      string    `json:"head"` // SHA-256 of the journal's last line
	Damage    string    `json:"damage,omitempty"`
}

func summaryOf(s casebook.State, current *casebook.Case) caseSummary {
	out := caseSummary{
		Name: s.Name, Title: s.Title, Current: current != nil && current.Name() == s.Name, Created: s.Created, By: s.By, Updated: s.Updated,
		Bookmarks: len(s.Bookmarks), Notes: len(s.Notes), Events: len(s.Events), Head: s.Head,
	}
	if s.Damage != nil {
		out.Damage = s.Damage.Error()
	}
	return out
}

// damagedCase ends the program with the code of damage after a report of a case that is.
func damagedCase(s casebook.State) error {
	if s.Damage == nil {
		return nil
	}
	return site.EndWith(site.ExitDamaged, s.Damage.Error())
}

func newCaseList(env *site.Env, g *site.Globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the cases of the archive", Args: cobra.NoArgs,
		Long: "List the cases of the archive, those changed last first; * is the current one.\n\n" + site.ExitHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withBook(cmd.Context(), env, g, func(_ *workspace, b *casebook.Book) error { return listCases(env, b, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func listCases(env *site.Env, b *casebook.Book, asJSON bool) error {
	all, err := b.List()
	if err != nil {
		return err
	}
	current, err := b.Current()
	if err != nil {
		return err
	}
	out := make([]caseSummary, len(all))
	var damage error
	for i, s := range all {
		out[i] = summaryOf(s, current)
		damage = errors.Join(damage, s.Damage)
	}
	if asJSON {
		err = site.PrintJSON(env.Out, out)
	} else {
		err = site.Table(env.Out, "\tNAME\tTITLE\tBOOKMARKS\tNOTES\tCREATED\tCHANGED\tBY", func(row func(...any)) {
			for _, s := range out {
				mark := map[bool]string{true: "*"}[s.Current]
				if s.Damage != "" {
					mark += "!"
				}
				row(mark, s.Name, s.Title, s.Bookmarks, s.Notes, site.RFC3339(s.Created), site.RFC3339(s.Updated), s.By)
			}
		})
	}
	if err == nil && damage != nil {
		err = site.EndWith(site.ExitDamaged, damage.Error())
	}
	return err
}

func newCaseNew(env *site.Env, g *site.Globals) *cobra.Command {
	return &cobra.Command{
		Use: "new TITLE", Short: "Begin a case and make it the current one", Args: cobra.ExactArgs(1),
		Long:    "Begin a case, which becomes the current one, and print the name of its folder.\n\n" + site.ExitHelp,
		Example: `rainlogs case new "Card theft of 23 November"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBook(cmd.Context(), env, g, func(w *workspace, b *casebook.Book) error {
				c, err := b.Create(w.ctx, args[0])
				if err != nil {
					return err
				}
				if err := b.Choose(w.ctx, c); err != nil {
					return err
				}
				_, err = fmt.Fprintln(env.Out, c.Name())
				return err //nolint:wrapcheck // standard output is gone
			})
		},
	}
}

func newCaseMark(env *site.Env, g *site.Globals) *cobra.Command {
	var note, name string
	var remove bool
	cmd := &cobra.Command{
		Use: "mark LINK...", Short: "Keep records, by their addresses", Args: cobra.MinimumNArgs(1),
		Long:    "Keep records in a case by their addresses, rainlogs://ARCHIVE/ZONE/DATASET/SEQ/LINE. A case is begun if there is none.\n\n" + site.ExitHelp,
		Example: "rainlogs case mark rainlogs://6f2c…/5e2a…/http_requests/12/345 --note \"first try\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			refs := make([]inquiry.Ref, len(args))
			for i, link := range args {
				var err error
				if refs[i], err = inquiry.ParseRef(link); err != nil {
					return site.Usage(err)
				}
			}
			return withBook(cmd.Context(), env, g, func(w *workspace, b *casebook.Book) error {
				return markRecords(w, b, name, refs, note, remove)
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "what to write about them")
	cmd.Flags().StringVar(&name, "case", "", "the case (default: the current one)")
	cmd.Flags().BoolVar(&remove, "remove", false, "let them go instead")
	return cmd
}

func markRecords(w *workspace, b *casebook.Book, name string, refs []inquiry.Ref, note string, remove bool) error {
	c, err := b.Need(w.ctx)
	if name != "" {
		c, err = caseOf(b, []string{name})
	}
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if remove {
			err = c.Unmark(w.ctx, ref)
		} else {
			var m inquiry.Bookmark
			if m, err = w.bookmark(ref); err == nil {
				m.Note = note
				err = c.Mark(w.ctx, m)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func newCaseNote(env *site.Env, g *site.Globals) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "note TEXT", Short: "Add a note to the case", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBook(cmd.Context(), env, g, func(w *workspace, b *casebook.Book) error {
				c, err := b.Need(w.ctx)
				if name != "" {
					c, err = caseOf(b, []string{name})
				}
				if err != nil {
					return err
				}
				return c.Note(w.ctx, args[0])
			})
		},
	}
	cmd.Flags().StringVar(&name, "case", "", "the case (default: the current one)")
	return cmd
}
