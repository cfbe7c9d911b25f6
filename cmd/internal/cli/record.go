package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// recordScheme begins the address of a record.
const recordScheme = "rainlogs://"

// runCatRecord writes the line of a record's address as it was sealed, from a
// verified chain and a checked object.
func runCatRecord(w *workspace, link string) error {
	ref, err := inquiry.ParseRef(link)
	if err != nil {
		return site.Usage(err)
	}
	if err := w.owns(ref); err != nil {
		return err
	}
	line, err := w.sealedLine(ref)
	if err != nil {
		return err
	}
	out := w.Env.Data()
	_, err = out.Write(append(line, '\n'))
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return nil
}

// owns refuses the address of another archive's record.
func (w *workspace) owns(ref inquiry.Ref) error {
	if ref.Archive == w.Archive {
		return nil
	}
	return site.Usagef("%s is a record of archive %.60s; the one that is open (%s) is %s: --config names another",
		ref.Permalink(), ref.Archive, w.Config.Path, w.Archive)
}

// sealedLine is a record's line, without its line feed.
func (w *workspace) sealedLine(ref inquiry.Ref) (line []byte, err error) {
	id := evidence.ChainID{Zone: ref.Zone, Dataset: ref.Dataset}
	all, err := verify.ListChains(w.ctx, w.Store)
	if err != nil {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	if !slices.Contains(all, id) {
		return nil, site.Usagef("the archive has no chain of %s %s", ref.Zone, ref.Dataset)
	}
	c, err := w.readChain(id)
	if err != nil {
		return nil, err
	}
	if ref.Seq >= int64(len(c.Entries)) {
		return nil, site.Usagef("the chain of %s has %d entries, and none of number %d", ref.Zone, len(c.Entries), ref.Seq)
	}
	temp, err := os.MkdirTemp("", "rainlogs-record-") // 0700
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	d, err := dataset.Open(w.ctx, w.Store, []dataset.Chain{{ID: c.ID, Entries: c.Entries}}, dataset.Options{TempDir: temp})
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return w.pick(d, ref)
}

func (w *workspace) pick(d *dataset.Dataset, ref inquiry.Ref) ([]byte, error) {
	objects := d.Objects()
	i := slices.IndexFunc(objects, func(o *dataset.Object) bool { return o.Entry.Seq == ref.Seq })
	if i < 0 {
		return nil, site.Usagef("entry %d of %s has no records that can be read: rainlogs coverage says what became of each window", ref.Seq, ref.Zone)
	}
	if lines := objects[i].Entry.Content.Lines; ref.Line > lines {
		return nil, site.Usagef("entry %d of %s has %d lines, and none of number %d", ref.Seq, ref.Zone, lines, ref.Line)
	}
	for line, err := range d.Pick(w.ctx, map[int][]int64{objects[i].Index: {ref.Line}}) {
		var damage *dataset.DamageError
		if errors.As(err, &damage) {
			return nil, site.EndWith(site.ExitDamaged, err.Error())
		}
		if err != nil {
			return nil, fmt.Errorf("read record: %w", err)
		}
		return bytes.Clone(line.Text), nil
	}
	return nil, fmt.Errorf("entry %d of %s gives no line %d", ref.Seq, ref.Zone, ref.Line)
}
