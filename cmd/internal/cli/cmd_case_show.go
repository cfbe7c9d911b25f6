package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/exhibit"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

func newCaseShow(env *site.Env, g *site.Globals) *cobra.Command {
	var asJSON, log bool
	cmd := &cobra.Command{
		Use: "show [NAME]", Short: "Show a case: its records, notes, and with --log all that was done", Args: cobra.MaximumNArgs(1),
		Long: "Show a case, the current one if none is named: its records in the order of their times, and its notes.\n\n" + site.ExitHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBook(cmd.Context(), env, g, func(_ *workspace, b *casebook.Book) error {
				c, err := caseOf(b, args)
				if err != nil {
					return err
				}
				s, _, err := c.Journal()
				if err != nil {
					return err
				}
				if asJSON {
					err = showJSON(env.Out, s, c)
				} else {
					err = showCase(env.Out, s, c, log)
				}
				if err == nil {
					err = damagedCase(s)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with all events")
	cmd.Flags().BoolVar(&log, "log", false, "show who did what and when, too")
	return cmd
}

func showJSON(out io.Writer, s casebook.State, c *casebook.Case) error {
	type mark struct {
		Link  string    `json:"link"`
		Time  time.Time `json:"time,omitzero"`
		Note  string    `json:"note,omitempty"`
		Line  string    `json:"line,omitempty"`
		Added time.Time `json:"added"`
	}
	marks := make([]mark, len(s.Bookmarks))
	for i, b := range s.Bookmarks {
		marks[i] = mark{b.Ref.Permalink(), b.Time, b.Note, b.Line, b.Added}
	}
	return site.PrintJSON(out, map[string]any{"case": summaryOf(s, nil), "folder": c.Dir(), "bookmarks": marks, "events": s.Events})
}

func showCase(out io.Writer, s casebook.State, c *casebook.Case, log bool) error {
	_, err := fmt.Fprintf(out, "%s (%s)\nbegun     %s by %s\nfolder    %s\njournal   %d events, last %s\n\n", line(s.Title), s.Name, site.RFC3339(s.Created), line(s.By), line(c.Dir()), len(s.Events), s.Head)
	if err != nil {
		return fmt.Errorf("print case: %w", err)
	}
	err = site.Table(out, "TIME\tELAPSED\tRECORD\tNOTE\tLINE", func(row func(...any)) {
		for i, b := range s.Bookmarks {
			elapsed := ""
			if i > 0 && !b.Time.IsZero() && !s.Bookmarks[i-1].Time.IsZero() {
				elapsed = "+" + b.Time.Sub(s.Bookmarks[i-1].Time).String()
			}
			at := "-"
			if !b.Time.IsZero() {
				at = b.Time.Format("2006-01-02T15:04:05.000Z07:00")
			}
			row(at, elapsed, b.Ref.Permalink(), b.Note, b.Line)
		}
	})
	if err != nil {
		return err
	}
	for _, n := range s.Notes {
		if _, err := fmt.Fprintf(out, "\n%s %s\n%s\n", site.RFC3339(n.Time), line(n.Who), site.SafeLine(n.Text)); err != nil {
			return fmt.Errorf("print case: %w", err)
		}
	}
	if !log {
		return nil
	}
	_, _ = fmt.Fprintln(out) // the table reports it
	return site.Table(out, "N\tTIME\tWHO\tEVENT\tWHAT", func(row func(...any)) {
		for _, e := range s.Events {
			row(e.N, site.RFC3339(e.Time.Time), e.Who, e.Kind, e.Summary())
		}
	})
}

// line is a text from anywhere on one line.
func line(s string) string { return strings.ReplaceAll(site.SafeLine(s), "\n", `\n`) }

func newCaseExport(env *site.Env, g *site.Globals) *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "export [NAME]", Short: "Hand the records of a case out, with what proves them", Args: cobra.MaximumNArgs(1),
		Long: "Write the records of a case into a folder of their own under --dir: the lines exactly as they were sealed, a CSV of them,\n" +
			"where each is from, proofs up to the signed checkpoint, the case's journal, and how to check it all. What was written\n" +
			"is noted in the case. Records that cannot be had are named; if one of them is damaged, the exit code is 3.\n\n" + site.ExitHelp,
		Example: "rainlogs case export --dir ./handout\nrainlogs case export card-theft --dir /media/usb --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBook(cmd.Context(), env, g, func(w *workspace, b *casebook.Book) error {
				c, err := caseOf(b, args)
				if err != nil {
					return err
				}
				return runCaseExport(w, c, dir, asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "the folder under which the bundle's folder is made")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runCaseExport(w *workspace, c *casebook.Case, dir string, asJSON bool) error {
	bar := site.Bar{}
	res, err := w.exportCase(c, dir, func(done, total int64) {
		if done == total || done == 1 {
			bar.Done()
			bar = site.NewBar(w.Env, w.Globals, "export", total, "records")
		}
		bar.Set(done, total)
	})
	bar.Done()
	switch {
	case errors.Is(err, exhibit.ErrNothing):
		return site.Usage(err)
	case err != nil:
		return err
	}
	if asJSON {
		err = site.PrintJSON(w.Env.Out, map[string]any{"folder": res.Folder, "records": res.Records, "left": res.Left, "sha256": res.SHA256})
	} else {
		_, err = fmt.Fprintf(w.Env.Out, "%s: %s, SHA-256 of SHA256SUMS %s\n", line(res.Folder), site.Number(res.Records, "record", "records"), res.SHA256)
	}
	if err != nil {
		return err //nolint:wrapcheck // standard output is gone
	}
	return tellLeft(w.Env, res.Left)
}

// tellLeft names the records that are not in a bundle.
func tellLeft(env *site.Env, left []exhibit.Left) error {
	damaged := 0
	for _, l := range left {
		if l.Damaged {
			damaged++
		}
		_, _ = fmt.Fprintf(env.Err, "! not in the bundle: %s: %s\n", line(l.Link), line(l.Problem)) // the bundle says it too
	}
	if damaged > 0 {
		return site.EndWith(site.ExitDamaged, site.Number(damaged, "record is", "records are")+" in objects that are not what was sealed")
	}
	if len(left) > 0 {
		return fmt.Errorf("%s left out", site.Number(len(left), "record was", "records were"))
	}
	return nil
}

func newCaseCheck(env *site.Env, _ *site.Globals) *cobra.Command {
	var key string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check FOLDER", Short: "Check a bundle that was handed out, without the archive", Args: cobra.ExactArgs(1),
		Long: "Check a bundle that rainlogs case export has written: its files are unchanged, and each line leads by its proofs up to\n" +
			"a checkpoint that is signed by the archive's key. It needs neither the archive nor a config.\n\n" + site.ExitHelp,
		Example: "rainlogs case check ./rainlogs-card-theft-20261123T150405Z --key verifier.pub",
		RunE: func(_ *cobra.Command, args []string) error {
			var pinned *evidence.PublicKey
			if key != "" {
				k, err := pinnedKey(key)
				if err != nil {
					return err
				}
				pinned = &k
			}
			rep, err := exhibit.Check(args[0], pinned)
			if err != nil {
				return site.Usage(err)
			}
			return tellCheck(env, rep, asJSON)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the archive's verifier key, or the file that has it (default: the bundle's own word for it)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func tellCheck(env *site.Env, rep *exhibit.Report, asJSON bool) error {
	if asJSON {
		if err := site.PrintJSON(env.Out, rep); err != nil {
			return err
		}
	} else {
		pinned := "by the key given"
		if !rep.Pinned {
			pinned = "NOT PINNED: the bundle itself names it"
		}
		_, err := fmt.Fprintf(env.Out, "archive   %s\nrecords   %d proven\njournal   %d events\nfiles     %d, SHA-256 of SHA256SUMS %s\nkey       %s (%s)\n",
			line(rep.Archive), rep.Records, rep.Events, rep.Files, rep.SHA256, line(rep.Key), pinned)
		if err != nil {
			return fmt.Errorf("print check: %w", err)
		}
		for _, f := range rep.Faults {
			_, _ = fmt.Fprintf(env.Out, "! %s\n", line(f)) // the exit code says it too
		}
		for _, l := range rep.Left {
			_, _ = fmt.Fprintf(env.Out, "! not in the bundle: %s: %s\n", line(l.Link), line(l.Problem))
		}
	}
	if !rep.OK() {
		return site.EndWith(site.ExitDamaged, fmt.Sprintf("the bundle is not what was written: %d faults", len(rep.Faults)))
	}
	return nil
}

// bookmark reads a record by its address, for its time and its beginning.
func (w *workspace) bookmark(ref inquiry.Ref) (m inquiry.Bookmark, err error) {
	if ref.Archive != w.Archive {
		return m, site.Usagef("%s is a record of another archive than %s", ref.Permalink(), w.Archive)
	}
	id, err := evidence.NewChainID(ref.Zone, ref.Dataset)
	if err != nil {
		return m, site.Usage(err)
	}
	c, err := w.readChain(id)
	if err != nil {
		return m, err
	}
	d, err := dataset.Open(w.ctx, w.Store, []dataset.Chain{{ID: id, Entries: c.Entries}}, dataset.Options{})
	if err != nil {
		return m, queryError(err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return bookmarkIn(w.ctx, d, ref)
}

func bookmarkIn(ctx context.Context, d *dataset.Dataset, ref inquiry.Ref) (inquiry.Bookmark, error) {
	m := inquiry.Bookmark{Ref: ref}
	for _, o := range d.Objects() {
		if o.Entry.Seq != ref.Seq || ref.Line > o.Entry.Content.Lines {
			continue
		}
		for l, err := range d.Pick(ctx, map[int][]int64{o.Index: {ref.Line}}) {
			if err != nil {
				return m, queryError(err)
			}
			if nanos, timed := o.Clock().Read(l.Text); timed {
				m.Time = time.Unix(0, nanos).UTC()
			}
			m.Line = recordLine(l.Text)
		}
		return m, nil
	}
	return m, site.Usagef("there is no record %s, or the retention policy has removed it", ref.Permalink())
}

// recordLine is a record on one line, by the members that tell most; its beginning if it has none of them.
func recordLine(text []byte) string {
	var members map[string]any
	var parts []string
	if json.Unmarshal(text, &members) == nil {
		for _, name := range []string{"ClientIP", "ClientRequestMethod", "ClientRequestHost", "ClientRequestURI", "EdgeResponseStatus", "SecurityAction", "RayID"} {
			if v, ok := members[name]; ok && v != nil && v != "" {
				parts = append(parts, fmt.Sprint(v))
			}
		}
	}
	if len(parts) < 2 {
		return string(text[:min(len(text), 400)])
	}
	return strings.Join(parts, " ")
}
