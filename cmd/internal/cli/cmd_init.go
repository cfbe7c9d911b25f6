package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/probe"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// initOptions are what init asks for.
type initOptions struct {
	dir      string
	name     string // what people call the archive
	storage  string
	purpose  string
	token    string
	yes      bool
	settings logpullSettings
}

// logpullSettings go into the config's sources.logpull where they are not
// the defaults. Only the demo sets them.
type logpullSettings struct {
	baseURL    string
	zoneRate   int
	userRate   int
	windowText string
}

const (
	defaultPurpose = "Security logging and incident evidence"
	defaultToken   = "env:CLOUDFLARE_API_TOKEN"
)

func newInit(env *site.Env, g *site.Globals) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a config, a signing key, a catalog and an archive in a folder",
		Long: "Make a config, a signing key, a catalog and an archive in a folder, and print the verifier key.\n" +
			"Pin that key somewhere the archive's keepers cannot write: it is what an auditor trusts.",
		Example: "rainlogs init --dir ./evidence --yes\nrainlogs init --dir ./evidence --yes --storage '{plugin: s3, provider: hetzner, region: fsn1, bucket: evidence, lock: compliance,\n" +
			"  access_key_id: env:S3_KEY, secret_access_key: env:S3_SECRET}'\nexport CLOUDFLARE_API_TOKEN=…\nrainlogs --config ./evidence zone add 023e105f4ecef8ad9ca31a8372d0c353",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !o.yes {
				return site.Usagef("init writes into %s: say --yes to go on", o.dir)
			}
			return runInit(cmd.Context(), env, g, o)
		},
	}
	cmd.Flags().StringVar(&o.dir, "dir", ".", "folder to make")
	cmd.Flags().StringVar(&o.name, "name", "", "what people call the archive, on screens (default: its folder's name)")
	cmd.Flags().StringVar(&o.storage, "storage", "fs", "fs for a folder beside the config, or a store as in archive.storage")
	cmd.Flags().StringVar(&o.purpose, "purpose", defaultPurpose, "why these logs are kept, written into the archive")
	cmd.Flags().StringVar(&o.token, "token", defaultToken, "where the Cloudflare API token is found: env:NAME or file:PATH")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do it")
	return cmd
}

func runInit(ctx context.Context, env *site.Env, g *site.Globals, o initOptions) error {
	if o.storage != "fs" {
		if _, err := storeEntry("--storage", o.storage); err != nil {
			return err
		}
	}
	path := filepath.Join(o.dir, config.FileName)
	if _, err := os.Stat(path); err == nil {
		return site.Usagef("%s exists already: an archive is made once", path)
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	archive := uuid.NewString()
	key, err := chain.GenerateKey(rand.Reader, evidence.KeyName(archive))
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	if err := writeNew(filepath.Join(o.dir, "signing.key"), []byte(key.Marshal()+"\n"), 0o600); err != nil {
		return err
	}
	// The config comes last of the files: its presence says that init went through.
	if err := writeDescriptor(ctx, env, g, o, archive, key.Public()); err != nil {
		// A key that no archive has is in the way of the next try.
		return errors.Join(err, os.Remove(filepath.Join(o.dir, "signing.key")))
	}
	if err := writeNew(filepath.Join(o.dir, "verifier.pub"), []byte(key.Public().VKey()+"\n"), 0o644); err != nil {
		return err
	}
	if err := writeNew(path, []byte(configText(o)), 0o600); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Out, "archive   %s\nconfig    %s\nkey       %s (secret: back it up apart from the archive)\n\nPin this verifier key where the archive's keepers cannot write:\n\n  %s\n",
		archive, path, filepath.Join(o.dir, "signing.key"), key.Public().VKey())
	return err //nolint:wrapcheck // standard output is gone
}

// writeDescriptor makes the archive by writing rainlogs.json through the
// storage plugin, as every object will be.
func writeDescriptor(ctx context.Context, env *site.Env, g *site.Globals, o initOptions, archive string, pub evidence.PublicKey) error {
	cfg, err := config.Parse([]byte(configText(o)), mustAbs(o.dir), env.Environ)
	if err != nil {
		return site.Usage(err)
	}
	b, err := evidence.EncodeDescriptor(evidence.Descriptor{
		Format: evidence.FormatName, V: evidence.Version, Archive: archive,
		CreatedAt: evidence.SealTime(env.Now()), VKey: pub.VKey(), Purpose: o.purpose,
		Spec: "https://github.com/fabriziosalmi/rainlogs/blob/main/docs/archive-format.md",
	})
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	w := site.New(env, g, cfg)
	defer w.Close()
	store, err := w.OpenStore(ctx)
	if err != nil {
		return err
	}
	if err := probeStore(ctx, env, store); err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	_, err = store.Put(ctx, storage.PutRequest{
		Key: evidence.DescriptorKey, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:]),
	}, bytes.NewReader(b))
	if errors.Is(err, storage.ErrExists) {
		return site.Usagef("the store holds an archive already: point the config at it, or choose another folder")
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", evidence.DescriptorKey, err)
	}
	return nil
}

// probeStore says what a store guarantees, if it can find that out, and
// refuses one that cannot be used.
func probeStore(ctx context.Context, env *site.Env, store storage.Storage) error {
	p, ok := store.(storage.Prober)
	if !ok {
		return nil
	}
	checks, err := p.Probe(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("probe the store: %w", err)
	}
	err = site.Table(env.Err, "", func(row func(...any)) {
		for _, c := range checks {
			row(c.Status, c.Name, c.Value, c.Detail)
			if c.Remedy != "" {
				row("", "", "", "→ "+c.Remedy)
			}
		}
	})
	if err == nil && !probe.Passed(checks) {
		return site.EndWith(site.ExitFailed, "no archive was made: the store does not keep what its settings promise")
	}
	return err
}

func mustAbs(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path // the working folder is gone; what follows says so
	}
	return abs
}

// writeNew writes a file that must not exist.
func writeNew(path string, b []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if errors.Is(err, os.ErrExist) {
		return site.Usagef("%s exists already and is left alone", path)
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func configText(o initOptions) string {
	store := "{name: local, plugin: fs, path: ./archive}"
	if o.storage != "" && o.storage != "fs" {
		store = strings.Join(strings.Fields(o.storage), " ")
	}
	name := ""
	if o.name != "" {
		name = fmt.Sprintf("  name: %q\n", o.name)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `# RainLogs configuration. rainlogs config check | show | schema
archive:
%s  storage:
    - %s
key: file:./signing.key          # Ed25519; back it up apart from the archive
catalog: sqlite:./catalog.db     # a cache: rainlogs archive rebuild-catalog makes it again
spool: ./spool
sources:
  logpull:
    token: %s
`, name, store, o.token)
	if s := o.settings; s.baseURL != "" {
		fmt.Fprintf(&b, "    base_url: %s\n    requests_per_minute_zone: %d\n    requests_per_minute_user: %d\n", s.baseURL, s.zoneRate, s.userRate)
	}
	window := o.settings.windowText
	if window == "" {
		window = "5m"
	}
	fmt.Fprintf(&b, "collector: {window: %s, lag: 5m, concurrency: 4}\n", window)
	return b.String()
}
