package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"github.com/spf13/pflag"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// version is set by the linker.
var version = "dev"

const usage = `usage: rainlogs-verify ARCHIVE [flags]

Verifies an archive folder: signatures, chains, objects, content, coverage.

  rainlogs-verify ./archive --key 'rainlogs/0b5c…+1a2b3c4d+AWl…'
  rainlogs-verify ./archive --key verifier.pub --json

Exit codes: 0 intact, 1 could not be verified, 2 usage, 3 damaged or tampered with,
4 coverage incomplete (only with --require-complete), 130 interrupted.

`

type options struct {
	key, policy, level, known, from, to   string
	asJSON, noKnown, requireComplete, ver bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := pflag.NewFlagSet("rainlogs-verify", pflag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { _, _ = fmt.Fprint(stderr, usage, flags.FlagUsages()) }
	flags.StringVar(&o.key, "key", "", "pinned verifier key, or a file with it")
	flags.StringVar(&o.policy, "policy", "", "C2SP tlog-policy file with the pinned keys")
	flags.StringVar(&o.level, "level", "content", "chain, objects or content")
	flags.StringVar(&o.known, "known", filepath.Join(xdg.StateHome, "rainlogs", "known"), "folder of remembered chain heads")
	flags.BoolVar(&o.noKnown, "no-known", false, "remember nothing and compare with nothing remembered")
	flags.StringVar(&o.from, "from", "", "start of the range of objects and coverage (RFC 3339)")
	flags.StringVar(&o.to, "to", "", "end of that range, exclusive")
	flags.BoolVar(&o.asJSON, "json", false, "print the report as JSON")
	flags.BoolVar(&o.requireComplete, "require-complete", false, "exit 4 if the range has gaps or holes")
	flags.BoolVar(&o.ver, "version", false, "print the version")
	if err := flags.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return 0
	} else if err != nil {
		return fail(stderr, 2, err)
	}
	if o.ver {
		_, _ = fmt.Fprintf(stdout, "rainlogs-verify %s (archive format %d)\n", version, evidence.Version) // nothing can be told if stdout is gone
		return 0
	}
	if flags.NArg() != 1 {
		return fail(stderr, 2, errors.New("want one archive folder (see --help)"))
	}
	return verifyFolder(ctx, flags.Arg(0), o, stdout, stderr)
}

func verifyFolder(ctx context.Context, dir string, o options, stdout, stderr io.Writer) int {
	opts, err := o.parse()
	if err != nil {
		return fail(stderr, 2, err)
	}
	folder, err := verify.OpenFolder(dir)
	if err != nil {
		return fail(stderr, 2, err)
	}
	report, err := verify.Run(ctx, folder, opts)
	if closeErr := folder.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	if ctx.Err() != nil {
		return fail(stderr, 130, errors.New("interrupted"))
	}
	if err != nil {
		return fail(stderr, 1, err)
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
		return fail(stderr, 1, err)
	case !report.Intact:
		return 3
	case o.requireComplete && !report.Complete:
		return 4
	}
	return 0
}

func (o options) parse() (verify.Options, error) {
	level, err := verify.ParseLevel(o.level)
	if err != nil {
		return verify.Options{}, fmt.Errorf("--level: %w", err)
	}
	opts := verify.Options{Level: level, Known: verify.Known{Dir: o.known}}
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
	switch {
	case o.key != "" && o.policy != "":
		return nil, errors.New("give --key or --policy, not both")
	case o.policy != "":
		b, err := os.ReadFile(o.policy)
		if err != nil {
			return nil, fmt.Errorf("--policy: %w", err)
		}
		k, err := verify.ParsePolicy(string(b))
		if err != nil {
			return nil, fmt.Errorf("--policy %s: %w", o.policy, err)
		}
		return &k, nil
	case o.key != "":
		text := o.key
		if !strings.Contains(text, "+") {
			b, err := os.ReadFile(text)
			if err != nil {
				return nil, fmt.Errorf("--key is neither a verifier key nor a file with one: %w", err)
			}
			text = string(b)
		}
		k, err := verify.ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		return &k, nil
	}
	return nil, nil //nolint:nilnil // no key was pinned, which is allowed
}

func fail(stderr io.Writer, code int, err error) int {
	_, _ = fmt.Fprintf(stderr, "rainlogs-verify: %v\n", err) // nothing can be told if stderr is gone
	return code
}
