package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func newArchive(env *Env, g *globals) *cobra.Command {
	return newGroup("archive", "Look into the archive itself, or rebuild the catalog from it",
		newArchiveLs(env, g), newArchiveStat(env, g), newArchiveCat(env, g), newRebuild(env, g))
}

func newArchiveLs(env *Env, g *globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls [PREFIX]", Short: "List the archive's objects", Args: cobra.MaximumNArgs(1),
		Example: "rainlogs archive ls logs/",
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.close()
			prefix := strings.Join(args, "")
			for info, err := range w.store.List(w.ctx, prefix, "") {
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
		_, err = fmt.Fprintf(w.env.Out, `{"key":%q,"bytes":%d,"modified":%q}`+"\n", info.Key, info.Size, rfc3339(info.Modified))
	} else {
		_, err = fmt.Fprintf(w.env.Out, "%12d  %s  %s\n", info.Size, rfc3339(info.Modified), safeLine(info.Key))
	}
	return err //nolint:wrapcheck // standard output is gone
}

func newArchiveStat(env *Env, g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "stat KEY", Short: "Print an object's entry in the chain", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.close()
			e, err := w.entryOf(args[0])
			if err != nil {
				return err
			}
			return printJSON(env.Out, e)
		},
	}
}

// entryOf finds the log entry that names an object.
func (w *workspace) entryOf(key string) (*evidence.Entry, error) {
	id, _, _, err := evidence.ParseObjectKey(key)
	if err != nil {
		return nil, usageError{err}
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
	return nil, fmt.Errorf("no entry of chain %s names %s", id, safeLine(key))
}

func newArchiveCat(env *Env, g *globals) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use: "cat KEY", Short: "Write an object to standard output, decompressed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.close()
			return runCat(w, args[0], raw)
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "the bytes as stored, still compressed")
	return cmd
}

func runCat(w *workspace, key string, raw bool) error {
	body, err := w.store.Get(w.ctx, key, 0, -1)
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalidKey) {
		return usagef("%s: %w (rainlogs archive ls lists what there is)", safeLine(key), err)
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
	out := w.env.data()
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	return nil
}
