package chainview

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
)

// Entry reads an entry from the store, holds it to the leaf hash that was
// verified, and tells all of it.
func (v *View) Entry(ctx context.Context, id chain.ID, seq int64) (chain.Entry, error) {
	b, err := v.book(id)
	if err != nil {
		return chain.Entry{}, err
	}
	if seq < 0 || seq >= int64(len(b.rows)) {
		return chain.Entry{}, fmt.Errorf("there is no entry %d", seq)
	}
	raw, err := verify.ReadEntry(ctx, v.cfg.Store, b.id, int64(len(b.rows)), seq)
	if err != nil {
		return chain.Entry{}, err //nolint:wrapcheck // says what it did
	}
	out := chain.Entry{Seq: seq, State: b.rows[seq].state, Raw: string(raw)}
	e, err := evidence.Decode(raw)
	if err != nil {
		out.Kind = "unreadable"
		out.Sections = []chain.Section{{Facts: []chain.Fact{{Name: "wrong", Value: err.Error(), Bad: true}, {Name: "bytes", Value: fmt.Sprint(len(raw))}}}}
	} else {
		describe(&out, e)
	}
	out.Sections = append(out.Sections, b.place(raw, e))
	out.Sections[0].Facts = append(b.standing(raw, seq), out.Sections[0].Facts...)
	return out, nil
}

// standing is what is first asked of an entry: whether it is the one that was signed.
func (b *book) standing(raw []byte, seq int64) []chain.Fact {
	leaf := tlog.RecordHash(raw)
	if leaf != b.rows[seq].leaf {
		return []chain.Fact{{Name: "CHANGED", Value: "the store's bytes are not those that were read with the chain: read it again", Bad: true}}
	}
	length, err := b.prove(seq, leaf)
	if err != nil {
		return []chain.Fact{{Name: "inclusion", Value: "not proven: " + err.Error(), Bad: true}}
	}
	return []chain.Fact{{Name: "inclusion", Value: fmt.Sprintf("proven: %d hashes lead from it to the signed root of %d entries", length, b.head.Size)}}
}

// place is the entry in the chain: what ties it to those before it and to the signed root.
func (b *book) place(raw []byte, e *evidence.Entry) chain.Section {
	s := chain.Section{Title: "in the chain"}
	add := func(name, value string) { s.Facts = append(s.Facts, chain.Fact{Name: name, Value: value}) }
	add("entry", fmt.Sprintf("%d bytes, SHA-256 %s", len(raw), evidence.HashEntry(raw)))
	add("leaf hash", tlog.RecordHash(raw).String())
	if e != nil {
		prev := e.Prev.String()
		if e.Prev == (evidence.Digest{}) {
			prev = "none: it is the first"
		}
		add("prev", prev)
	}
	if b.sound {
		add("root", b.head.Root.String())
	}
	return s
}

// prove computes the inclusion proof of an entry, checks it against the signed
// root, and returns how long it is.
func (b *book) prove(seq int64, leaf tlog.Hash) (int, error) {
	if !b.sound {
		return 0, errors.New("the entries are not those that were signed")
	}
	if !b.whole || int64(len(b.rows)) != b.head.Size {
		return 0, errors.New("entries are lacking")
	}
	b.once.Do(b.grow)
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			if at < 0 || at >= int64(len(b.hashes)) {
				return nil, fmt.Errorf("there is no hash %d", at)
			}
			out[i] = b.hashes[at]
		}
		return out, nil
	})
	proof, err := tlog.ProveRecord(b.head.Size, seq, read)
	if err != nil {
		return 0, fmt.Errorf("prove entry %d: %w", seq, err)
	}
	if err := tlog.CheckRecord(proof, b.head.Size, b.head.Root, seq, leaf); err != nil {
		return 0, fmt.Errorf("check the proof: %w", err)
	}
	return len(proof), nil
}

// grow makes the tree's stored hashes of the leaves.
func (b *book) grow() {
	hashes := make([]tlog.Hash, 0, 2*len(b.rows))
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = hashes[at]
		}
		return out, nil
	})
	for i := range b.rows {
		more, err := tlog.StoredHashesForRecordHash(int64(i), b.rows[i].leaf, read)
		if err != nil {
			return // the reader has no errors
		}
		hashes = append(hashes, more...)
	}
	b.hashes = hashes
}

// describe tells what an entry says.
func describe(out *chain.Entry, e *evidence.Entry) {
	out.Kind = string(e.Kind)
	general := []chain.Fact{}
	if e.Window != nil {
		out.From, out.To = e.Window.Start.UTC(), e.Window.End.UTC()
		general = append(general, chain.Fact{Name: "window from", Time: out.From},
			chain.Fact{Name: "to", Time: out.To}, chain.Fact{Name: "", Value: "receive time: when the source had the records"})
	}
	general = append(general, chain.Fact{Name: "sealed at", Time: e.SealedAt.UTC()},
		chain.Fact{Name: "collector", Value: strings.Join([]string{e.Collector.Name, e.Collector.Version, "on", e.Collector.Host}, " ")})
	out.Sections = append(out.Sections, chain.Section{Facts: general})
	switch e.Kind {
	case evidence.KindLog:
		describeLog(out, e)
	case evidence.KindGap:
		out.Sections = append(out.Sections, chain.Section{Title: "gap", Facts: []chain.Fact{
			{Name: "reason", Value: e.Gap.Reason + ": " + gapMeaning(e.Gap.Reason), Bad: true}, {Name: "detail", Value: e.Gap.Detail},
		}})
	case evidence.KindObservation:
		out.Sections = append(out.Sections, chain.Section{Title: "observation", Facts: []chain.Fact{
			{Name: "topic", Value: e.Observation.Topic}, {Name: "value", Value: string(e.Observation.Value)},
		}})
	case evidence.KindExpiry:
		out.Sections = append(out.Sections, chain.Section{Title: "expiry", Facts: []chain.Fact{
			{Name: "policy", Value: e.Expiry.Policy}, {Name: "reason", Value: e.Expiry.Reason}, {Name: "entries", Value: seqText(e.Expiry.Seqs)},
		}})
	case evidence.KindHold:
		what := "lifted"
		if e.Hold.Placed {
			what = "placed"
		}
		out.Sections = append(out.Sections, chain.Section{Title: "legal hold", Facts: []chain.Fact{
			{Name: what, Value: e.Hold.ID}, {Name: "reason", Value: e.Hold.Reason},
		}})
	case evidence.KindKey:
		out.Sections = append(out.Sections, chain.Section{Title: "key handover", Facts: []chain.Fact{
			{Name: "from here on", Value: e.Key.VKey}, {Name: "", Value: fmt.Sprintf("the checkpoint of %d entries carries the signatures of both keys", e.Seq+1)},
		}})
	}
}

// seqText lists seqs as ranges, at most some.
func seqText(seqs []int64) string {
	const most = 40
	var parts []string
	for i := 0; i < len(seqs); {
		j := i
		for j+1 < len(seqs) && seqs[j+1] == seqs[j]+1 {
			j++
		}
		if len(parts) == most {
			return fmt.Sprintf("%s and more, %d in all", strings.Join(parts, ", "), len(seqs))
		}
		if i == j {
			parts = append(parts, fmt.Sprint(seqs[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d to %d", seqs[i], seqs[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

func describeLog(out *chain.Entry, e *evidence.Entry) {
	c, src := e.Content, e.Source
	content := []chain.Fact{{Name: "lines", Value: fmt.Sprint(c.Lines)}, {Name: "bytes", Value: fmt.Sprint(c.Bytes)}}
	if c.FirstEvent != nil && c.LastEvent != nil {
		out.First, out.Last = c.FirstEvent.UTC(), c.LastEvent.UTC()
		content = append(content, chain.Fact{Name: "first event", Time: out.First}, chain.Fact{Name: "last event", Time: out.Last})
	}
	if c.Tally != nil {
		content = append(content, tally(out, c.Tally)...)
	}
	content = append(content, chain.Fact{Name: "SHA-256", Value: c.SHA256.String()}, chain.Fact{Name: "Merkle root", Value: c.MerkleRoot.String()})
	if o := e.Object; o != nil {
		out.Object, out.SHA256 = o.Key, o.SHA256.String()
		out.Sections = append(out.Sections, chain.Section{Title: "object", Facts: objectFacts(o)})
	} else {
		out.Sections = append(out.Sections, chain.Section{Title: "object", Facts: []chain.Fact{{Name: "none", Value: "the window was collected, and nothing was there"}}})
	}
	out.Sections = append(out.Sections, chain.Section{Title: "content", Facts: content})
	complete := chain.Fact{Name: "complete", Value: "yes, the source says"}
	if !src.Complete {
		complete = chain.Fact{Name: "complete", Value: "the source does not say that it gave all", Bad: true}
	}
	out.Sections = append(out.Sections, chain.Section{Title: "source", Facts: []chain.Fact{
		{Name: "plugin", Value: src.Plugin + " " + src.Version}, complete, {Name: "retrieved", Time: src.RetrievedAt.UTC()},
		{Name: "fields", Value: fmt.Sprintf("those of entry %d", src.FieldsSeq)}, {Name: "timestamps", Value: src.Timestamps},
	}})
}

func objectFacts(o *evidence.Object) []chain.Fact {
	stores := "the archive's only one"
	if len(o.Stores) > 0 {
		stores = strings.Join(o.Stores, ", ")
	}
	facts := []chain.Fact{
		{Name: "key", Value: o.Key}, {Name: "stored bytes", Value: fmt.Sprint(o.Bytes)}, {Name: "SHA-256", Value: o.SHA256.String()}, {Name: "taken by", Value: stores},
	}
	if o.Encryption != nil {
		facts = append(facts, chain.Fact{Name: "encrypted", Value: fmt.Sprintf("%s, %s, %d recipients", o.Encryption.Scheme, o.Encryption.Period, len(o.Encryption.Recipients))})
	}
	for i, d := range o.Displaced {
		if i == 20 {
			break
		}
		facts = append(facts, chain.Fact{Name: "displaced", Value: d.Key + ": another's object was found there and not used"})
	}
	return facts
}

// maxBuckets bounds what is drawn of a tally that claims a long time.
const maxBuckets = 1024

// tally spreads an entry's tally over its time.
func tally(out *chain.Entry, t *evidence.Tally) []chain.Fact {
	untimed := int64(0)
	for _, n := range t.Untimed {
		untimed += n
	}
	var facts []chain.Fact
	if untimed > 0 {
		facts = []chain.Fact{{Name: "untimed", Value: fmt.Sprintf("%d lines have no event time that can be read", untimed)}}
	}
	if len(t.Rows) == 0 || t.Bucket <= 0 || t.Bucket > int64(366*24*time.Hour/time.Second) {
		return facts
	}
	last := t.Rows[len(t.Rows)-1][0]
	if last < 0 || last >= maxBuckets*1024 {
		return facts
	}
	merge := last/maxBuckets + 1 // buckets become one
	out.Tally = chain.Tally{From: t.From.UTC(), Step: time.Duration(t.Bucket*merge) * time.Second, Buckets: make([][6]int64, last/merge+1)}
	for _, row := range t.Rows {
		if row[0] < 0 || row[0] > last {
			continue
		}
		b := &out.Tally.Buckets[row[0]/merge]
		for class, n := range row[1:] {
			b[(class+1)%evidence.Classes] += n // the tally's last class is the screen's first
		}
	}
	return facts
}
