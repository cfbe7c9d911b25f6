// Command bench measures what sealing and verifying cost, beside the shell's
// own tools over the same bytes in the same minutes. These machines are noisy:
// each line is the median of several runs, and the ratios are what counts.
//
//	go run ./bench [-mb 512] [-runs 3] [-window-gb 4] [-entries 1000000]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"syscall"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/standard"
	"github.com/fabriziosalmi/rainlogs/sdk"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 3 && args[0] == "plugin-serve" {
		return serve(args[1], args[2])
	}
	if len(args) > 0 && args[0] == "child" {
		return child(ctx, args[1:])
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	mb := flags.Int64("mb", 512, "MB of NDJSON to seal and verify")
	runs := flags.Int("runs", 3, "runs of each measure")
	windowGB := flags.Int64("window-gb", 4, "GiB of NDJSON in the one window of the memory measure")
	entries := flags.Int64("entries", 1_000_000, "entries of the chain measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rainlogs-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, runs: *runs}
	return errors.Join(b.sealing(ctx, *mb<<20), b.verifying(ctx, *mb<<20), b.memory(ctx, *windowGB<<30), b.chain(ctx, *entries))
}

func serve(kind, name string) error {
	if name == fileSourceName {
		sdk.Serve(fileSourcePlugin())
		return nil
	}
	p, ok := standard.Find(kind, name)
	if !ok {
		return fmt.Errorf("no %s plugin %q", kind, name)
	}
	sdk.Serve(p)
	return nil
}

type bench struct {
	dir  string
	runs int
	gz   string // the sample
}

// usage is what one command cost, its children included.
type usage struct {
	cpu, wall time.Duration
	rss       int64 // bytes, of the largest process
}

// measure runs a command several times and returns the median by CPU time.
func (b *bench) measure(ctx context.Context, runs int, name string, args ...string) (usage, error) {
	all := make([]usage, 0, runs)
	for range runs {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stderr = os.Stderr
		began := time.Now()
		if err := cmd.Run(); err != nil {
			return usage{}, fmt.Errorf("%s %v: %w", name, args, err)
		}
		u := usage{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), wall: time.Since(began)}
		if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			u.rss = r.Maxrss << 10
		}
		all = append(all, u)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].cpu < all[j].cpu })
	return all[len(all)/2], nil
}

func (b *bench) self(ctx context.Context, runs int, args ...string) (usage, error) {
	exe, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	return b.measure(ctx, runs, exe, append([]string{"child"}, args...)...)
}

func (b *bench) shell(ctx context.Context, script string, args ...string) (usage, error) {
	return b.measure(ctx, b.runs, "bash", append([]string{"-c", script, "bash"}, args...)...)
}

func row(what string, content int64, u, base usage) {
	fmt.Printf("%-46s %8.2f s cpu %8.2f s wall %8.0f MB/cpu-s %6.2f x cpu %7.0f MiB\n",
		what, u.cpu.Seconds(), u.wall.Seconds(), float64(content)/1e6/u.cpu.Seconds(), u.cpu.Seconds()/base.cpu.Seconds(), float64(u.rss)/(1<<20))
}

// sealing compares the pipe with ours, with and without the plugin boundary.
func (b *bench) sealing(ctx context.Context, size int64) error {
	b.gz = filepath.Join(b.dir, "sample.ndjson.gz")
	content, err := writeSample(b.gz, size)
	if err != nil {
		return err
	}
	fmt.Printf("sealing %d MB of NDJSON\n", content/1e6)
	pipe, err := b.shell(ctx, `gunzip -c "$1" | tee >(sha256sum >/dev/null) | zstd -3 -q | sha256sum >/dev/null; wait`, b.gz)
	if err != nil {
		return err
	}
	row("gunzip | tee >(sha256sum) | zstd -3 | sha256sum", content, pipe, pipe)
	for _, mode := range []string{"direct", "plugins"} {
		u, err := b.self(ctx, b.runs, "seal", mode, b.gz, b.dir)
		if err != nil {
			return err
		}
		row("rainlogs, "+mode, content, u, pipe)
	}
	return nil
}

// verifying compares each level with the shell's tools over the same objects.
func (b *bench) verifying(ctx context.Context, size int64) error {
	site := filepath.Join(b.dir, "verify")
	for range 8 { // several objects, so that every core has one
		if _, err := b.self(ctx, 1, "seal", "keep", b.gz, site); err != nil {
			return err
		}
	}
	content := 8 * size
	objects := filepath.Join(site, "archive", "logs")
	fmt.Printf("verifying %d MB of NDJSON in 8 objects\n", content/1e6)
	sum, err := b.shell(ctx, `find "$1" -name '*.zst' -print0 | xargs -0 -n1 -P2 sha256sum >/dev/null`, objects)
	if err != nil {
		return err
	}
	row("sha256sum", content, sum, sum)
	for _, level := range []string{"chain", "objects"} {
		u, err := b.self(ctx, b.runs, "verify", level, site)
		if err != nil {
			return err
		}
		row("rainlogs verify --level "+level, content, u, sum)
	}
	dec, err := b.shell(ctx, `find "$1" -name '*.zst' -print0 | xargs -0 -n1 -P2 sh -c 'zstd -dcq "$0" | sha256sum >/dev/null'`, objects)
	if err != nil {
		return err
	}
	row("zstd -dc | sha256sum", content, dec, dec)
	u, err := b.self(ctx, b.runs, "verify", "content", site)
	if err != nil {
		return err
	}
	row("rainlogs verify --level content", content, u, dec)
	return nil
}

// memory seals one very large window.
func (b *bench) memory(ctx context.Context, size int64) error {
	fmt.Printf("one window of %d MB\n", size/1e6)
	big := filepath.Join(b.dir, "big.ndjson.gz")
	content, err := writeSample(big, size)
	if err != nil {
		return err
	}
	u, err := b.self(ctx, 1, "seal", "plugins", big, b.dir)
	if err != nil {
		return err
	}
	row("rainlogs, plugins (largest process)", content, u, u)
	return os.Remove(big)
}

// chain verifies a chain of many entries.
func (b *bench) chain(ctx context.Context, entries int64) error {
	fmt.Printf("chain verification of %d entries\n", entries)
	site := filepath.Join(b.dir, "chain")
	if _, err := b.self(ctx, 1, "chain", fmt.Sprint(entries), site); err != nil {
		return err
	}
	files := filepath.Join(site, "archive", "chain")
	sum, err := b.shell(ctx, `find "$1" -type f -print0 | xargs -0 -n256 -P2 sha256sum >/dev/null`, files)
	if err != nil {
		return err
	}
	size, err := du(files)
	if err != nil {
		return err
	}
	row("sha256sum of the chain's files", size, sum, sum)
	u, err := b.self(ctx, b.runs, "verify", "chain", site)
	if err != nil {
		return err
	}
	row("rainlogs verify --level chain", size, u, sum)
	return nil
}

// du is the size of a folder's files.
func du(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
