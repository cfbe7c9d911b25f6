package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jsonline"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// Columns returns the columns of the range's records: those of the registry,
// those that the source was asked for, and those that the records have. known, which may be
// nil, gives the names of an object's fields if they are known without reading it; of the others,
// one object for each list that the source was asked for is read for the names of its first line.
func (d *Dataset) Columns(ctx context.Context, reserved []string, known func(*Object) ([]string, bool)) ([]schema.Field, error) {
	type list struct {
		chain evidence.ChainID
		seq   int64
	}
	names, asked := map[string]bool{}, map[list]bool{}
	learnt := map[list]bool{} // by its records
	var unread []*Object
	for _, o := range d.objects {
		l := list{o.Entry.Chain(), o.Entry.Source.FieldsSeq}
		if !asked[l] {
			asked[l] = true
			addNames(names, d.askedFields(l.chain, l.seq))
		}
		if known == nil {
			unread = append(unread, o)
		} else if found, ok := known(o); ok {
			learnt[l] = true
			addNames(names, found)
		} else {
			unread = append(unread, o)
		}
	}
	r := NewReader()
	defer r.Close()
	for _, o := range unread {
		l := list{o.Entry.Chain(), o.Entry.Source.FieldsSeq}
		if learnt[l] {
			continue
		}
		found, ok, err := d.firstNames(ctx, r, o)
		if err != nil {
			return nil, err
		}
		learnt[l] = ok
		addNames(names, found)
	}
	all := make([]string, 0, len(names))
	for name := range names {
		all = append(all, name)
	}
	return schema.Columns(d.name, all, reserved), nil
}

// Asked returns the fields that the source of the range's latest object was
// asked for, nil where that is not sealed.
func (d *Dataset) Asked() []string {
	if len(d.objects) == 0 {
		return nil
	}
	e := d.objects[len(d.objects)-1].Entry
	return d.askedFields(e.Chain(), e.Source.FieldsSeq)
}

func addNames(to map[string]bool, names []string) {
	for _, name := range names {
		to[name] = true
	}
}

// firstNames returns the names of an object's first line. A damaged object
// that is skipped says nothing; content that is not as sealed has no names: the query that
// needs it says so.
func (d *Dataset) firstNames(ctx context.Context, r *Reader, o *Object) (names []string, ok bool, err error) {
	if err := d.Check(ctx, []*Object{o}); err != nil {
		return nil, false, err
	}
	if o.Damaged() {
		return nil, false, nil
	}
	if err := r.Reset(ctx, o); err != nil {
		return nil, false, err
	}
	line, err := r.Next()
	var damage *DamageError
	switch {
	case errors.As(err, &damage), errors.Is(err, io.EOF):
		return nil, true, nil
	case err != nil:
		return nil, false, err
	}
	return memberNames(line.Text), true, nil
}

func (d *Dataset) askedFields(id evidence.ChainID, seq int64) []string {
	for _, c := range d.chains {
		if c.ID != id || seq < 0 || seq >= int64(len(c.Entries)) {
			continue
		}
		o := c.Entries[seq].Observation
		var v evidence.FieldsValue
		if o == nil || o.Topic != evidence.TopicFields || json.Unmarshal(o.Value, &v) != nil {
			return nil // informative only: the records themselves are looked at too
		}
		return v.Names
	}
	return nil
}

// memberNames returns the names of a record's members.
func memberNames(line []byte) []string {
	var names []string
	s := jsonline.NewScanner(nil, nil)
	s.Unknown = func(name string) {
		if !strings.Contains(name, `\`) && len(names) < schema.MaxUnknown+256 {
			names = append(names, name)
		}
	}
	_, _ = s.Scan(line) // a line that is no record has the names up to its fault
	return names
}
