package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/adrg/xdg"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// version is set by the linker.
var version = "dev"

const usage = `usage: rainlogs-verify ARCHIVE [flags]

Verifies an archive folder: signatures, chains, objects, content, coverage.

  rainlogs-verify ./archive --key 'rainlogs/0b5c…+1a2b3c4d+AWl…'
  rainlogs-verify ./archive --key verifier.pub --json

Without --key or --policy the archive's own word is taken for the key, or the
key that this machine has seen before; the report says which.

Exit codes: 0 intact, 1 could not be verified, 2 usage, 3 damaged or tampered with,
4 coverage incomplete (only with --require-complete), 130 interrupted.

`

// The exit codes, the same as those of rainlogs.
const (
	exitIntact      = 0
	exitFailed      = 1
	exitUsage       = 2
	exitDamaged     = 3
	exitIncomplete  = 4
	exitInterrupted = 130
)

type options struct {
	key, policy, level, known, from, to   string
	asJSON, noKnown, requireComplete, ver bool
}

func (o *options) flags(out io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("rainlogs-verify", flag.ContinueOnError)
	f.SetOutput(out)
	f.Usage = func() {
		_, _ = fmt.Fprint(out, usage) // nothing can be told if stderr is gone
		f.PrintDefaults()
	}
	f.StringVar(&o.key, "key", "", "pinned verifier `key`, or a file with it")
	f.StringVar(&o.policy, "policy", "", "C2SP tlog-policy `file` with the pinned keys")
	f.StringVar(&o.level, "level", string(verify.LevelContent), "chain, objects or content")
	f.StringVar(&o.known, "known", filepath.Join(xdg.StateHome, "rainlogs", "known"), "`folder` of remembered chain heads")
	f.BoolVar(&o.noKnown, "no-known", false, "remember nothing and compare with nothing remembered")
	f.StringVar(&o.from, "from", "", "start of the range of objects and coverage, a `time` in RFC 3339")
	f.StringVar(&o.to, "to", "", "end of that range, exclusive, a `time` in RFC 3339")
	f.BoolVar(&o.asJSON, "json", false, "print the report as JSON")
	f.BoolVar(&o.requireComplete, "require-complete", false, "exit 4 if the range has gaps or holes")
	f.BoolVar(&o.ver, "version", false, "print the version")
	return f
}

// parseArgs takes flags before and behind the folder's name.
func (o *options) parseArgs(args []string, out io.Writer) ([]string, error) {
	var names []string
	f := o.flags(out)
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return nil, err //nolint:wrapcheck // says what it did
		}
		if args = f.Args(); len(args) > 0 {
			names, args = append(names, args[0]), args[1:]
		}
	}
	return names, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	names, err := o.parseArgs(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitIntact
	case err != nil: // told by the flag package, with the usage
		return exitUsage
	case o.ver:
		_, _ = fmt.Fprintf(stdout, "rainlogs-verify %s (archive format %d)\n", version, evidence.Version) // nothing can be told if stdout is gone
		return exitIntact
	case len(names) != 1:
		return fail(stderr, exitUsage, errors.New("want one archive folder (see --help)"))
	}
	return verifyFolder(ctx, names[0], o, stdout, stderr)
}

func verifyFolder(ctx context.Context, dir string, o options, stdout, stderr io.Writer) int {
	opts, err := o.parse()
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	folder, err := verify.OpenFolder(dir)
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	report, err := verify.Run(ctx, folder, opts)
	if closeErr := folder.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	if ctx.Err() != nil {
		return fail(stderr, exitInterrupted, errors.New("interrupted"))
	}
	if err != nil {
		return fail(stderr, exitFailed, err)
	}
	if o.asJSON {
		enc := json.NewEncoder(stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.WriteText(stdout)
	}
	switch {
	case err != nil:
		return fail(stderr, exitFailed, err)
	case !report.Intact:
		return exitDamaged
	case o.requireComplete && !report.Complete:
		return exitIncomplete
	}
	return exitIntact
}

func (o options) parse() (verify.Options, error) {
	level, err := verify.ParseLevel(o.level)
	if err != nil {
		return verify.Options{}, fmt.Errorf("--level: %w", err)
	}
	opts := verify.Options{Level: level, Known: verify.Known{Dir: o.known}, Patience: 10 * time.Second}
	if o.noKnown {
		opts.Known.Dir = ""
	}
	for _, b := range []struct {
		flag, text string
		to         *time.Time
	}{{"--from", o.from, &opts.From}, {"--to", o.to, &opts.To}} {
		if b.text == "" {
			continue
		}
		if *b.to, err = time.Parse(time.RFC3339, b.text); err != nil {
			return opts, fmt.Errorf("%s %q is not a time like 2026-11-23T14:00:00Z", b.flag, b.text)
		}
	}
	opts.Key, err = o.pinned()
	return opts, err
}

// pinned reads the key from a flag, a file or a policy.
func (o options) pinned() (*evidence.PublicKey, error) {
	var k evidence.PublicKey
	switch {
	case o.key != "" && o.policy != "":
		return nil, errors.New("give --key or --policy, not both")
	case o.policy != "":
		text, err := readSmall(o.policy)
		if err != nil {
			return nil, fmt.Errorf("--policy: %w", err)
		}
		if k, err = verify.ParsePolicy(text); err != nil {
			return nil, fmt.Errorf("--policy %s: %w", o.policy, err)
		}
	case o.key != "":
		text, err := readSmall(o.key)
		if errors.Is(err, fs.ErrNotExist) {
			text, err = o.key, nil // not a file, so the key itself
		}
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		if k, err = verify.ParseKey(text); err != nil {
			return nil, fmt.Errorf("--key is neither a file nor a verifier key: %w", err)
		}
	default:
		return nil, nil //nolint:nilnil // no key was pinned, which is allowed
	}
	return &k, nil
}

// readSmall reads a file of a few keys.
func readSmall(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err //nolint:wrapcheck // names the file
	}
	defer file.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(file, 64<<10))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return string(b), nil
}

func fail(stderr io.Writer, code int, err error) int {
	_, _ = fmt.Fprintf(stderr, "rainlogs-verify: %v\n", err) // nothing can be told if stderr is gone
	return code
}
