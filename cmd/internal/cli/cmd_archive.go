package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func newArchive(env *site.Env, g *site.Globals) *cobra.Command {
	return site.NewGroup("archive", "Look into the archive itself, keep its retention and holds, copy it, publish it for other engines, bring back what was written over, or rebuild the catalog from it",
		newArchiveLs(env, g), newArchiveStat(env, g), newArchiveHead(env, g), newArchiveCat(env, g), newExpire(env, g), newHold(env, g), newUncover(env, g), newReplicate(env, g), newPublish(env, g), newRebuild(env, g))
}

func newArchiveLs(env *site.Env, g *site.Globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls [PREFIX]", Short: "List the archive's objects", Args: cobra.MaximumNArgs(1),
		Example: "rainlogs archive ls logs/",
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			prefix := strings.Join(args, "")
			for info, err := range w.Store.List(w.ctx, prefix, "") {
				if err != nil {
					return fmt.Errorf("list %q: %w", prefix, err)
				}
				if err := printInfo(w, info, asJSON); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print NDJSON")
	return cmd
}

func printInfo(w *workspace, info storage.Info, asJSON bool) error {
	var err error
	if asJSON {
		_, err = fmt.Fprintf(w.Env.Out, `{"key":%q,"bytes":%d,"modified":%q}`+"\n", info.Key, info.Size, site.RFC3339(info.Modified))
	} else {
		_, err = fmt.Fprintf(w.Env.Out, "%12d  %s  %s\n", info.Size, site.RFC3339(info.Modified), site.SafeLine(info.Key))
	}
	return err //nolint:wrapcheck // standard output is gone
}

func newArchiveStat(env *site.Env, g *site.Globals) *cobra.Command {
	return &cobra.Command{
		Use: "stat KEY", Short: "Print an object's entry in the chain", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			e, err := w.entryOf(args[0])
			if err != nil {
				return err
			}
			return site.PrintJSON(env.Out, e)
		},
	}
}

func newArchiveHead(env *site.Env, g *site.Globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "head [ZONE]", Short: "Print the head of a zone's chain, signed, as the collector last committed it; without a zone, of each", Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeZones(env, g),
		Long: "Print the head of a zone's chain as the collector last committed it: how long the chain is, and the signed checkpoint. Kept\n" +
			"elsewhere it is what later shows whether the chain was shortened or rewritten. With --json, a zone's is an object, those of all zones are an array.\n\n" + site.ExitHelp,
		Example: "rainlogs archive head\nrainlogs archive head example.com\nrainlogs --server https://logs.example archive head example.com --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, env, g, openWorkspace, func(k keeper) error {
				heads, err := k.heads(args)
				switch {
				case err != nil:
					return err
				case len(heads) == 0:
					return site.Usagef("no zone is under collection (rainlogs zone add ZONE_ID)")
				case asJSON && len(args) > 0:
					return site.PrintJSON(env.Out, heads[0])
				case asJSON:
					return site.PrintJSON(env.Out, heads)
				}
				return printHeads(env, heads)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return site.OverServer(cmd)
}

func printHeads(env *site.Env, heads []api.Chain) error {
	for i, c := range heads {
		if i > 0 {
			if _, err := fmt.Fprintln(env.Out); err != nil {
				return err //nolint:wrapcheck // standard output is gone
			}
		}
		if err := printHead(env, c); err != nil {
			return err
		}
	}
	return nil
}

func printHead(env *site.Env, c api.Chain) error {
	err := site.Table(env.Out, "", func(row func(...any)) {
		row("chain", c.Zone+"/"+c.Dataset)
		row("archive", c.Archive)
		row("key", c.Key)
		row("entries", c.Size)
		if c.LastHash != "" {
			row("last entry", c.LastHash)
		}
	})
	if err == nil && c.Checkpoint != "" {
		_, err = fmt.Fprintf(env.Out, "\n%s", site.SafeLine(c.Checkpoint))
	}
	return err //nolint:wrapcheck // standard output is gone
}

// entryOf finds the log entry that names an object.
func (w *workspace) entryOf(key string) (*evidence.Entry, error) {
	id, _, _, err := evidence.ParseObjectKey(key)
	if err != nil {
		return nil, site.Usage(err)
	}
	c, err := w.readChain(id)
	if err != nil {
		return nil, err
	}
	for _, e := range c.Entries {
		if e.Object != nil && e.Object.Key == key {
			return e, nil
		}
	}
	return nil, fmt.Errorf("no entry of chain %s names %s", id, site.SafeLine(key))
}

func newArchiveCat(env *site.Env, g *site.Globals) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use: "cat KEY|rainlogs://ARCHIVE/ZONE/DATASET/SEQ/LINE", Short: "Write an object to standard output, decompressed, or the line of one record", Args: cobra.ExactArgs(1),
		Long: "Write an object to standard output, decompressed. With a record's address, as the workstation copies it, write that record's line\n" +
			"as it was sealed; the chain is verified and the object compared with its entry first.\n" +
			"Over --server, KEY is the ID of a sealed window as jobs list has it; the records are compared with what was sealed.\n\n" + site.ExitHelp,
		Example: "rainlogs archive cat rainlogs://3f0c…/023e105f4ecef8ad9ca31a8372d0c353/http_requests/17/4",
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, env, g, openReader, func(k keeper) error { return k.cat(args[0], raw) })
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "the bytes as stored, still compressed")
	return site.OverServer(cmd)
}

func runCat(w *workspace, key string, raw bool) error {
	body, err := w.Store.Get(w.ctx, key, 0, -1)
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalidKey) {
		return site.Usagef("%s: %w (rainlogs archive ls lists what there is)", site.SafeLine(key), err)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	defer body.Close() //nolint:errcheck // only read, and read to its end
	var in io.Reader = body
	if !raw && strings.HasSuffix(key, ".zst") {
		dec, err := zstd.NewReader(body, zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return fmt.Errorf("decompress %s: %w", key, err)
		}
		defer dec.Close()
		in = dec
	}
	out := w.Env.Data()
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	return nil
}
