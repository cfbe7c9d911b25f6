package lookup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// opened is the object of the last record, which the next one is mostly of.
type opened struct {
	at   place
	data *dataset.Dataset
}

func (o *opened) close() error {
	if o == nil {
		return nil
	}
	return o.data.Close() //nolint:wrapcheck // says what it did
}

// Record reads one record from its sealed object, which is compared with the chain.
func (l *Lookup) Record(ctx context.Context, ref inquiry.Ref) (investigate.Record, error) {
	done, err := l.enter()
	if err != nil {
		return investigate.Record{}, err
	}
	defer done()
	s, err := l.scope(ctx, inquiry.View{Zones: []string{ref.Zone}, Dataset: ref.Dataset})
	if err != nil {
		return investigate.Record{}, err
	}
	entries := s.chains[0].Entries
	if ref.Seq < 0 || ref.Seq >= int64(len(entries)) {
		return investigate.Record{}, fmt.Errorf("%s: the chain has %d entries", ref.Permalink(), len(entries))
	}
	e := entries[ref.Seq]
	if e.Kind != evidence.KindLog || e.Object == nil || ref.Line > e.Content.Lines {
		return investigate.Record{}, fmt.Errorf("%s: entry %d has no such line", ref.Permalink(), ref.Seq)
	}
	o, put, err := l.object(ctx, s, e)
	if err != nil {
		return investigate.Record{}, err
	}
	defer put()
	line, err := lineOf(ctx, o, ref.Line)
	if err != nil {
		return investigate.Record{}, fmt.Errorf("%s: %w", ref.Permalink(), err)
	}
	return record(ref, s.meter, e, line), nil
}

// object returns an entry's object, and puts it back for the next record.
func (l *Lookup) object(ctx context.Context, s *scope, e *evidence.Entry) (*dataset.Object, func(), error) {
	at := place{e.Zone, e.Seq}
	l.mu.Lock()
	o := l.open
	l.open = nil
	l.mu.Unlock()
	if o != nil && o.at != at {
		_ = o.close() // a folder of fetched objects, which goes with the program's
		o = nil
	}
	if o == nil {
		d, err := dataset.Open(ctx, l.cfg.Store, s.chains, dataset.Options{Range: s.around([]window{{entry: e}}), TempDir: l.cfg.TempDir})
		if err != nil {
			return nil, nil, err //nolint:wrapcheck // says what it did
		}
		o = &opened{at, d}
	}
	put := func() {
		l.mu.Lock()
		before := l.open
		l.open = o
		l.mu.Unlock()
		_ = before.close() // as above
	}
	i := slices.IndexFunc(o.data.Objects(), func(o *dataset.Object) bool { return o.Entry.Seq == e.Seq && o.Entry.Zone == e.Zone })
	if i < 0 {
		put()
		return nil, nil, fmt.Errorf("the object of entry %d was removed by the retention policy", e.Seq)
	}
	return o.data.Objects()[i], put, nil
}

// lineOf reads the n-th line of an object.
func lineOf(ctx context.Context, o *dataset.Object, n int64) ([]byte, error) {
	r := dataset.NewReader()
	defer r.Close()
	if err := r.Reset(ctx, o); err != nil {
		return nil, err //nolint:wrapcheck // names the object
	}
	for at := int64(1); ; at++ {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("the object has %d lines", at-1)
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // names the object
		}
		if at == n {
			return bytes.Clone(line.Text), nil
		}
		if at%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err() //nolint:wrapcheck // the caller's own
		}
	}
}

func record(ref inquiry.Ref, m evidence.MeterConfig, e *evidence.Entry, line []byte) investigate.Record {
	r := investigate.Record{
		Ref: ref, Raw: string(line), Object: e.Object.Key, SHA256: e.Object.SHA256.String(),
		Window: e.Window.Start.UTC().Format(time.RFC3339) + "/" + e.Window.End.UTC().Format(time.RFC3339),
	}
	if nanos, timed := evidence.NewEventClock(m.TimeField, m.Timestamps).Read(line); timed {
		r.Time = time.Unix(0, nanos).UTC()
	}
	var err error
	if r.Fields, err = members(line); err != nil {
		r.Fault = err.Error()
	}
	return r
}

// members are an object's members in their own order, with the texts of
// strings and the JSON of all else.
func members(line []byte) (out []investigate.FieldValue, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(line), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	t, err := d.ReadToken()
	if err != nil || t.Kind() != '{' {
		return nil, fmt.Errorf("the line is not a JSON object: %w", errors.Join(err, errNoObject))
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return out, fmt.Errorf("the line is not a JSON object: %w", err)
		}
		f := investigate.FieldValue{Name: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return out, fmt.Errorf("the line is not a JSON object: %w", err)
		}
		f.Value = string(value)
		if text := ""; value.Kind() == '"' && json.Unmarshal(value, &text) == nil {
			f.Value = text
		}
		out = append(out, f)
	}
	return out, nil
}

var errNoObject = errors.New("it does not begin with {")
