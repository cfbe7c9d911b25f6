package evidence

import (
	"bytes"
	"time"
)

// entry reads one member of an entry.
func (r *plainReader) entry(e *Entry, name []byte) {
	switch string(name) {
	case "archive":
		e.Archive = r.text()
	case "collector":
		r.object(func(name []byte) { r.collector(&e.Collector, name) })
	case "dataset":
		e.Dataset = r.text()
	case "kind":
		e.Kind = Kind(r.text())
	case "prev":
		e.Prev = r.digest()
	case "sealed_at":
		e.SealedAt = r.time()
	case "seq":
		e.Seq = r.int()
	case "v":
		e.V = int(r.int())
	case "zone":
		e.Zone = r.text()
	default:
		r.entryOfKind(e, name)
	}
}

func (r *plainReader) entryOfKind(e *Entry, name []byte) {
	switch string(name) {
	case "content":
		e.Content = new(Content)
		r.object(func(name []byte) { r.content(e.Content, name) })
	case "gap":
		e.Gap = new(Gap)
		r.object(func(name []byte) { r.gap(e.Gap, name) })
	case "object":
		e.Object = new(Object)
		r.object(func(name []byte) { r.stored(e.Object, name) })
	case "source":
		e.Source = new(Source)
		r.object(func(name []byte) { r.source(e.Source, name) })
	case "window":
		e.Window = new(Window)
		r.object(func(name []byte) { r.window(e.Window, name) })
	case "expiry", "hold", "key", "observation":
		r.fail() // few: the general decoder's
	default:
		r.skip()
	}
}

func (r *plainReader) collector(c *Collector, name []byte) {
	switch string(name) {
	case "host":
		c.Host = r.text()
	case "name":
		c.Name = r.text()
	case "version":
		c.Version = r.text()
	default:
		r.skip()
	}
}

func (r *plainReader) window(w *Window, name []byte) {
	switch string(name) {
	case "end":
		w.End = r.time()
	case "start":
		w.Start = r.time()
	default:
		r.skip()
	}
}

func (r *plainReader) gap(g *Gap, name []byte) {
	switch string(name) {
	case "detail":
		g.Detail = r.text()
	case "reason":
		g.Reason = r.text()
	default:
		r.skip()
	}
}

func (r *plainReader) stored(o *Object, name []byte) {
	switch string(name) {
	case "bytes":
		o.Bytes = r.int()
	case "key":
		o.Key = r.text()
	case "sha256":
		o.SHA256 = r.digest()
	case "displaced", "encryption", "stores":
		r.fail() // few: the general decoder's
	default:
		r.skip()
	}
}

func (r *plainReader) content(c *Content, name []byte) {
	moment := func() *time.Time {
		t := r.time()
		return &t
	}
	switch string(name) {
	case "bytes":
		c.Bytes = r.int()
	case "first_event":
		c.FirstEvent = moment()
	case "last_event":
		c.LastEvent = moment()
	case "lines":
		c.Lines = r.int()
	case "merkle_root":
		c.MerkleRoot = r.digest()
	case "sha256":
		c.SHA256 = r.digest()
	case "tally":
		c.Tally = new(Tally)
		r.object(func(name []byte) { r.tally(c.Tally, name) })
	default:
		r.skip()
	}
}

func (r *plainReader) source(s *Source, name []byte) {
	switch string(name) {
	case "class_field":
		s.ClassField = r.text()
	case "complete":
		s.Complete = r.bool()
	case "fields_seq":
		s.FieldsSeq = r.int()
	case "plugin":
		s.Plugin = r.text()
	case "retrieved_at":
		s.RetrievedAt = r.time()
	case "time_field":
		s.TimeField = r.text()
	case "timestamps":
		s.Timestamps = r.text()
	case "version":
		s.Version = r.text()
	default:
		r.skip()
	}
}

func (r *plainReader) tally(t *Tally, name []byte) {
	switch string(name) {
	case "bucket":
		t.Bucket = r.int()
	case "from":
		t.From = r.time()
	case "rows":
		// Room for as many as there seem to be, but not for what an entry never holds.
		n := min(bytes.Count(r.b[r.at:], []byte("]")), maxTallyRows)
		t.Rows = make([][1 + Classes]int64, 0, n)
		r.array(func(i int) {
			t.Rows = append(t.Rows, [1 + Classes]int64{})
			r.ints(t.Rows[i][:])
		})
	case "untimed":
		r.ints(t.Untimed[:])
	default:
		r.skip()
	}
}

// ints fills an array of a fixed length.
func (r *plainReader) ints(to []int64) {
	for i := range to {
		open := byte(',')
		if i == 0 {
			open = '['
		}
		if !r.next(open) {
			r.fail()
			return
		}
		to[i] = r.int()
	}
	if !r.next(']') {
		r.fail()
	}
}
