package doctor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	sdkprobe "github.com/fabriziosalmi/rainlogs/sdk/probe"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	// slowStore is how long a store may take to describe one small object.
	slowStore = 2 * time.Second
	// The shares of free space, in percent.
	storeShort, storeFull = 10, 1

	remedyStore = "look at the store's settings in archive.storage, and whether what they name is there and mounted"
)

// openStore is a store that has an archive.
type openStore struct {
	name       string
	archive    string
	descriptor []byte
	storage.Storage
}

// storage looks at one store: that it can be read, that it keeps what it has,
// how fast it is, and how much room there is.
func (v *visit) storage(ctx context.Context, p config.Plugin) []Finding {
	name := p.StoreName()
	named := func(f Finding) []Finding { f.Subject = name; return []Finding{f} }
	s, err := v.w.StartStore(ctx, p)
	if err != nil {
		return named(failed(fmt.Errorf("cannot be opened: %w", err), remedyStore))
	}
	began := time.Now()
	info, err := s.Stat(ctx, evidence.DescriptorKey)
	took := time.Since(began)
	switch {
	case errors.Is(err, storage.ErrNotFound) && len(v.w.Config.Archive.Storage) > 1:
		return named(Finding{Status: Warn, Found: "is empty: no " + evidence.DescriptorKey + " in it", Remedy: "nothing if it is new, the next command brings it up to date; else " + remedyStore})
	case errors.Is(err, storage.ErrNotFound):
		return named(Finding{Status: Fail, Found: "there is no archive in it: no " + evidence.DescriptorKey, Remedy: "make one with rainlogs init; if there was one, " + remedyStore})
	case err != nil:
		return named(failed(err, remedyStore))
	}
	b, err := site.ReadDescriptor(ctx, s)
	if err != nil {
		return named(failed(err, remedyStore))
	}
	d, err := evidence.DecodeDescriptor(b)
	if err != nil {
		return named(failed(err, "run rainlogs verify, and put the file back as it was from another copy of the archive"))
	}
	if v.w.Archive == "" {
		v.w.Archive = d.Archive
	}
	o := openStore{name, d.Archive, b, s}
	v.stores = append(v.stores, o)
	if info.Modified.After(v.newest) {
		v.newest = info.Modified
	}
	f := Finding{Status: OK, Found: fmt.Sprintf("archive %s, answers in %s, takes objects and overwrites none", d.Archive, took.Round(100*time.Microsecond))}
	if bad := o.refuses(ctx); bad != nil {
		f = *bad
	} else if took > slowStore {
		f.Status, f.Remedy = Warn, "look at the network, the disk and what else uses them: each window takes several such answers"
	}
	out := append(named(f), v.place(name)...)
	out = append(out, o.guarantees(ctx)...)
	return append(out, o.room(ctx)...)
}

// place says under whose law a store is that is not on this machine's disks.
func (v *visit) place(name string) []Finding {
	for _, at := range v.w.Places() {
		if at.Name != name {
			continue
		}
		f := Finding{Check: "law", Subject: name, Status: OK, Found: fmt.Sprintf("%s is under the law of %s (%s), which archive.sovereignty: %s lets through", at.Host, at.Law, at.Class, at.Policy)}
		if at.Declared {
			f.Found += ", as the config declares"
		}
		if at.Note != "" {
			f.Found += "; " + at.Note
		}
		if at.Notice != "" {
			f.Status, f.Found, f.Remedy = Warn, at.Notice, "nothing if it is meant to be so: it is sealed into the chains"
		}
		return []Finding{f}
	}
	return nil
}

// guarantees are what the store found out about itself by trying.
func (o openStore) guarantees(ctx context.Context) []Finding {
	p, ok := o.Storage.(storage.Prober)
	if !ok {
		return nil
	}
	checks, err := p.Probe(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		f := failed(fmt.Errorf("cannot be probed: %w", err), remedyStore)
		f.Subject = o.name
		return []Finding{f}
	}
	var out []Finding
	for _, c := range checks {
		f := Finding{Check: "storage", Subject: o.name, Status: Warn, Found: strings.TrimSuffix(c.Name+" "+c.Value, " ") + ": " + c.Detail, Remedy: c.Remedy}
		switch c.Status {
		case sdkprobe.OK:
			f.Status = OK
		case sdkprobe.Fail:
			f.Status = Fail
		}
		out = append(out, f)
	}
	return out
}

// refuses puts what the store must refuse: the descriptor again, once as new
// and once in place of other bytes. The second a store finds out about only when
// it is ready to write, so it also shows that it can. A store that obeys
// neither has been given the bytes that it has.
func (o openStore) refuses(ctx context.Context) *Finding {
	sum := sha256.Sum256(o.descriptor)
	req := storage.PutRequest{Key: evidence.DescriptorKey, Size: int64(len(o.descriptor)), SHA256: hex.EncodeToString(sum[:])}
	for _, c := range []struct {
		replaces, what string
		want           error
	}{
		{"", "put what exists already", storage.ErrExists},
		{strings.Repeat("0", 2*sha256.Size), "replace what is not there", storage.ErrChanged},
	} {
		req.Replaces = c.replaces
		_, err := o.Put(ctx, req, bytes.NewReader(o.descriptor))
		switch {
		case errors.Is(err, c.want), errors.Is(err, storage.ErrLocked):
		case err == nil:
			return &Finding{Status: Fail, Found: "conditional put does not work: the store let itself be told to " + c.what, Remedy: "do not collect into it: chains could be overwritten. Use a store with conditional writes"}
		default:
			f := failed(fmt.Errorf("cannot be written: %w", err), remedyStore)
			return &f
		}
	}
	return nil
}

// room looks at the free space of a store on a disk of this machine.
func (o openStore) room(ctx context.Context) []Finding {
	local, ok := o.Storage.(storage.LocalPather)
	if !ok {
		return nil
	}
	f := Finding{Check: "disk", Subject: o.name}
	path, err := local.LocalPath(ctx, evidence.DescriptorKey)
	var d disk
	if err == nil {
		d, err = within(ctx, func() (disk, error) { return diskOf(path) })
	}
	if err != nil {
		f.Status, f.Found, f.Remedy = Warn, "free space is not known: "+reason(err), "look at it by other means (df)"
		return []Finding{f}
	}
	f.Status, f.Found = OK, d.String()
	if percent := d.percent(); percent < storeShort {
		f.Status, f.Remedy = Warn, "make room, or shorten collector.retention and run rainlogs archive expire"
		if percent < storeFull {
			f.Status = Fail
		}
	}
	return []Finding{f}
}

// oneArchive compares the stores' archives.
func (v *visit) oneArchive(context.Context) []Finding {
	var out []Finding
	for _, o := range v.stores {
		if o.archive != v.w.Archive {
			out = append(out, Finding{
				Status: Fail, Subject: o.name, Found: fmt.Sprintf("holds archive %s, and %s holds %s", o.archive, v.stores[0].name, v.w.Archive),
				Remedy: "take one of the two out of archive.storage: a set of stores holds one archive",
			})
		}
	}
	return out
}
