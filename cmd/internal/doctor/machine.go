package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// spoolShort is how much room windows between source and archive need: some
// that are pulled at once, compressed, of the busiest zones.
const spoolShort = 1 << 30

// From which difference on a clock is told of, and is wrong.
const (
	clockOff   = 5 * time.Second
	clockWrong = time.Minute
)

const remedyClock = "let a time service (chrony, systemd-timesyncd) keep this machine's clock"

// disk is the space of a file system.
type disk struct{ free, size uint64 }

// diskOf asks for that which a path lies in. As df does, it counts what a
// process without privileges may use.
func diskOf(path string) (disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return disk{}, fmt.Errorf("ask for free space of %s: %w", path, err)
	}
	block := uint64(s.Bsize)
	return disk{free: s.Bavail * block, size: (s.Blocks - s.Bfree + s.Bavail) * block}, nil
}

func (d disk) percent() float64 {
	if d.size == 0 {
		return 100 // a file system that does not count
	}
	return 100 * float64(d.free) / float64(d.size)
}

func (d disk) String() string {
	return fmt.Sprintf("%s free, %.0f %% of %s", site.BytesText(int64(d.free)), d.percent(), site.BytesText(int64(d.size)))
}

// key looks at the signing key: its mode, and whose it is.
func (v *visit) key(ctx context.Context) []Finding {
	path, isFile := strings.CutPrefix(v.w.Config.Key, "file:")
	info, err := within(ctx, func() (fs.FileInfo, error) {
		if !isFile {
			return nil, nil //nolint:nilnil // a variable has no mode
		}
		return os.Stat(path) //nolint:wrapcheck // names the path
	})
	mode := fs.FileMode(0o600)
	if info != nil {
		mode = info.Mode().Perm()
	}
	switch {
	case err != nil:
		return []Finding{failed(err, "put the key back from its backup: without it nothing can be sealed")}
	case info != nil && config.SecretExposed(info):
		return []Finding{{
			Status: Fail, Found: fmt.Sprintf("%s can be read by others (mode %04o): it is not used", path, mode),
			Remedy: "chmod 600 " + path + "; if others may have read it, treat it as stolen",
		}}
	}
	read, remedy := v.w.ArchiveKey, "set key to the key of this archive"
	if v.w.Archive == "" {
		read = v.w.SigningKey // whose it is, the archive would say
	}
	if _, err := read(); err != nil {
		return []Finding{failed(err, remedy)}
	}
	f := Finding{Status: OK, Found: fmt.Sprintf("%s, of this archive", v.w.Config.Key)}
	switch {
	case v.w.Archive == "":
		f.Status, f.Found, f.Remedy = Warn, v.w.Config.Key+" can be read; that it is this archive's is not known", "see to the store first"
	case mode&0o077 == 0 && mode&^0o600 != 0:
		f.Status, f.Found, f.Remedy = Warn, fmt.Sprintf("%s has mode %04o", path, mode), "chmod 600 "+path
	}
	return []Finding{f}
}

// spool looks at the folder of windows on their way into the archive.
func (v *visit) spool(ctx context.Context) []Finding {
	root := v.w.Config.Spool
	d, err := within(ctx, func() (disk, error) { return writable(root) })
	if err != nil {
		return []Finding{failed(err, "make it a folder that the collector may write to, on a disk with room, or set spool to another")}
	}
	f := Finding{Status: OK, Found: fmt.Sprintf("%s: %s", root, d)}
	if d.free < spoolShort {
		f.Status, f.Remedy = Warn, "make room, or set spool to a folder on another disk: windows that do not fit stay open"
	}
	found := []Finding{f}
	left, err := within(ctx, func() (collect.Leftovers, error) { return collect.FindLeftovers(root) })
	switch {
	case err != nil:
		found = append(found, failed(err, "look at the folder's owner and mode"))
	case left.Files > 0:
		found = append(found, Finding{
			Status: Warn, Found: fmt.Sprintf("%d files (%s) of %d processes that died", left.Files, site.BytesText(left.Bytes), left.Processes),
			Remedy: "run the collector: its next start seals what is pending and removes the rest",
		})
	}
	if left.SetAside > 0 {
		found = append(found, Finding{
			Status: Warn, Found: fmt.Sprintf("%d damaged files were set aside (%s)", left.SetAside, filepath.Join(root, "*", "*.damaged")),
			Remedy: "look for a failing disk; their windows were pulled again, and the files may go",
		})
	}
	return found
}

// writable writes a file into a folder and removes it. A folder that is not
// there yet is made by the collector: then the one above it is asked.
func writable(path string) (disk, error) {
	for {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
			path = filepath.Dir(path)
			continue
		}
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a folder", path)
		}
		if err != nil {
			return disk{}, err //nolint:wrapcheck // names the path
		}
		break
	}
	f, err := os.CreateTemp(path, ".rainlogs-doctor-*")
	if err != nil {
		return disk{}, err //nolint:wrapcheck // names the path
	}
	_, err = f.Write(make([]byte, 4096))
	if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return disk{}, err //nolint:wrapcheck // names the path
	}
	return diskOf(path)
}

// clock compares this machine's with the source's. Where that was not asked,
// no object can be younger than now.
func (v *visit) clock(context.Context) []Finding {
	for _, c := range v.clocks {
		if ahead, err := time.ParseDuration(c.Value); err == nil && c.Status != source.Unknown {
			return []Finding{clockFinding(ahead, "the source's")}
		}
	}
	if v.newest.IsZero() {
		return []Finding{{Status: Warn, Found: "there is nothing to compare this machine's clock with", Remedy: "run rainlogs doctor again when the source or a store answers"}}
	}
	if behind := v.newest.Sub(v.Env.Now()); behind > 0 {
		return []Finding{clockFinding(-behind.Round(time.Second), "the store's")}
	}
	return []Finding{{Status: OK, Found: "nothing in the stores is of the future (the source, which would tell more, did not say)"}}
}

func clockFinding(ahead time.Duration, whose string) Finding {
	f := Finding{Status: OK, Found: "agrees with " + whose}
	if ahead.Abs() < clockOff {
		return f
	}
	f.Status, f.Remedy = Warn, remedyClock
	if ahead.Abs() >= clockWrong {
		f.Status = Fail
	}
	f.Found = fmt.Sprintf("is %s ahead of %s", ahead, whose)
	if ahead < 0 {
		f.Found = fmt.Sprintf("is %s behind %s", -ahead, whose)
	}
	return f
}
