package collect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// sealer moves pending windows into the chain, one after the other.
type sealer struct {
	c    *Collector
	id   evidence.ChainID
	log  *chain.Log
	head catalog.Head // what the catalog holds
}

// errAlreadySealed: another collector of this archive sealed the window.
var errAlreadySealed = errors.New("window was sealed by another collector")

// maxGenerations bounds the search for a free key.
const maxGenerations = 99

// admit records a spooled window as pending, before anything reaches the store.
func (s *sealer) admit(ctx context.Context, p pulled) (catalog.Pending, error) {
	content := p.content.content
	d := draft{Entry: s.entry(evidence.KindLog, p.row.Window), Fields: p.stream.Fields}
	d.Entry.Content = &content
	d.Entry.Source = &evidence.Source{
		Plugin: p.feed.Plugin.Name, Version: p.feed.Plugin.Version, Complete: p.content.trailer.Complete,
		RetrievedAt: evidence.SealTime(p.content.trailer.RetrievedAt),
	}
	d.Entry.Source.SetMeter(meterOf(p.dataset, p.stream))
	if p.feed.Zone != s.id.Zone {
		d.Zone = p.feed.Zone
	}
	pending := catalog.Pending{Chain: s.id, Window: p.row.Window, Seq: -1}
	if content.Bytes == 0 {
		if err := os.Remove(p.content.path); err != nil {
			return pending, fmt.Errorf("remove empty spool file: %w", err)
		}
	} else {
		d.Entry.Object = &evidence.Object{Bytes: p.content.bytes, SHA256: p.content.sha256}
		pending.Spool = s.c.spool.file(s.id, p.row.Window)
		path := s.c.spool.path(pending.Spool)
		if err := os.Rename(p.content.path, path); err != nil {
			return pending, fmt.Errorf("name spool file: %w", err)
		}
		if err := syncDir(filepath.Dir(path)); err != nil {
			return pending, err
		}
	}
	return s.record(ctx, pending, d)
}

// admitGap records a window that can never be collected as pending.
func (s *sealer) admitGap(ctx context.Context, row catalog.Window, gap evidence.Gap) (catalog.Pending, error) {
	d := draft{Entry: s.entry(evidence.KindGap, row.Window)}
	d.Entry.Gap = &gap
	return s.record(ctx, catalog.Pending{Chain: s.id, Window: row.Window, Seq: -1}, d)
}

func (s *sealer) record(ctx context.Context, p catalog.Pending, d draft) (catalog.Pending, error) {
	var err error
	if p.Draft, err = d.encode(); err != nil {
		return p, err
	}
	if err := s.c.Catalog.PutPending(ctx, p); err != nil {
		return p, fmt.Errorf("record pending window: %w", err)
	}
	return p, nil
}

// entry starts an entry. sealed_at is fixed here, so that a retry after a
// crash makes the same bytes.
func (s *sealer) entry(kind evidence.Kind, w evidence.Window) evidence.Entry {
	return evidence.Entry{
		V: evidence.Version, Archive: s.c.Archive, Zone: s.id.Zone, Dataset: s.id.Dataset,
		Kind: kind, SealedAt: evidence.SealTime(s.c.Now()), Collector: s.c.Collector, Window: &w,
	}
}

// seal takes a pending window through the store into the chain. It may be
// repeated from any point at which it was interrupted, and repeats itself
// while the store is merely unavailable (a plugin process that died, say) or
// another collector of the archive is ahead.
func (s *sealer) seal(ctx context.Context, p catalog.Pending) error {
	for attempt := 1; ; attempt++ {
		err := s.sealOnce(ctx, &p)
		if errors.Is(err, errAlreadySealed) {
			return errors.Join(err, s.withdraw(ctx, p), s.removeSpool(p))
		}
		if err == nil {
			return s.removeSpool(p)
		}
		again := errors.Is(err, storage.ErrUnavailable) || errors.Is(err, chain.ErrMoved)
		if !again || attempt >= s.c.Attempts {
			return err
		}
		s.c.Log.WarnContext(ctx, "sealing again", "chain", s.id.String(), "window", p.Window.String(), "error", err)
		if err := s.c.Wait(ctx, s.c.backoff(attempt)); err != nil {
			return err
		}
	}
}

func (s *sealer) removeSpool(p catalog.Pending) error {
	if p.Spool == "" {
		return nil
	}
	return s.c.spool.remove(p.Spool)
}

func (s *sealer) sealOnce(ctx context.Context, p *catalog.Pending) error {
	d, err := decodeDraft(*p)
	if err != nil {
		return err
	}
	e := &d.Entry
	if err := s.checkOpen(ctx, p.Window); err != nil {
		return err
	}
	if err := s.declare(ctx, p, d); err != nil {
		return err
	}
	if p.Spool != "" {
		if err := s.putObject(ctx, *p, e); err != nil {
			return err
		}
		if e.Object.Stores, err = s.located(ctx, *p, e.Object); err != nil {
			return err
		}
	}
	if e.Kind == evidence.KindLog {
		if err := s.observeFields(ctx, p, e, d.Fields); err != nil {
			return err
		}
	}
	if err := s.append(ctx, p, e); err != nil {
		return err
	}
	return s.commit(ctx, []*evidence.Entry{e})
}

// append gives the entry its place, keeps its bytes in the catalog, and
// commits them to the chain.
func (s *sealer) append(ctx context.Context, p *catalog.Pending, e *evidence.Entry) error {
	if s.head.Size != s.log.Size() {
		// The log was reloaded and the catalog could not be brought up to it: what
		// it holds by now may be this very window.
		if err := s.catchUp(ctx); err != nil {
			return err
		}
		if err := s.checkOpen(ctx, p.Window); err != nil {
			return err
		}
	}
	e.Seq, e.Prev = s.log.Size(), s.log.LastHash()
	b, err := evidence.Encode(e)
	if err != nil {
		return err //nolint:wrapcheck // names the entry already
	}
	p.Seq, p.Entry = e.Seq, b
	err = s.c.Catalog.SetEntries(ctx, []catalog.Pending{*p})
	if errors.Is(err, catalog.ErrNotFound) {
		return s.forgotten(ctx, *p)
	}
	if err != nil {
		return fmt.Errorf("keep entry %d: %w", e.Seq, err)
	}
	err = s.log.Append(ctx, b)
	if errors.Is(err, chain.ErrMoved) {
		return s.overtaken(ctx, p.Window, err)
	}
	return err //nolint:wrapcheck // names the chain already
}

// overtaken takes in what another collector of this archive has appended. If
// that covers our window, ours is not sealed a second time.
func (s *sealer) overtaken(ctx context.Context, w evidence.Window, cause error) error {
	if err := s.log.Reload(ctx); err != nil {
		return err //nolint:wrapcheck // names the chain already
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	if err := s.checkOpen(ctx, w); err != nil {
		return err
	}
	return cause // ErrMoved: with what was taken in, the next try has its place
}

// forgotten is for a pending record that is gone: the catalog lost it with its
// last transactions; or another collector, when the lock on the chain was lost
// with the database, gave it up since it cannot see this spool. The window may be
// sealed by now. If it is not, the record is made again: what is in the store by
// now must be in the chain in the end, or be withdrawn.
func (s *sealer) forgotten(ctx context.Context, p catalog.Pending) error {
	err := s.overtaken(ctx, p.Window, fmt.Errorf("%w: the pending record of window %s is gone", chain.ErrMoved, p.Window))
	if !errors.Is(err, chain.ErrMoved) {
		return err
	}
	if putErr := s.c.Catalog.PutPending(ctx, p); putErr != nil {
		return fmt.Errorf("record pending window again: %w", putErr)
	}
	return err
}

// checkOpen makes sure that the chain, as far as it is known here, does not
// cover any part of the window yet.
func (s *sealer) checkOpen(ctx context.Context, w evidence.Window) error {
	rows, err := s.c.Catalog.Windows(ctx, s.id, w.Start, w.End, catalog.Sealed, catalog.Lost)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if len(rows) > 0 {
		return errAlreadySealed
	}
	return nil
}

// catchUp brings the catalog up to the chain: what the chain holds beyond the
// catalog's head is entered, and its pending records go.
func (s *sealer) catchUp(ctx context.Context) error {
	head, err := s.c.Catalog.Head(ctx, s.id)
	if errors.Is(err, catalog.ErrNotFound) {
		head, err = catalog.Head{Chain: s.id, FieldsSeq: -1}, nil
	}
	if err != nil {
		return fmt.Errorf("read head of %s: %w", s.id, err)
	}
	s.head = head
	if head.Size > s.log.Size() {
		return fmt.Errorf("%w: the catalog knows %d entries of chain %s, the store only %d: the archive was rolled back or is another one",
			chain.ErrDamaged, head.Size, s.id, s.log.Size())
	}
	var entries []*evidence.Entry
	for e, err := range s.log.Entries(ctx, head.Size) {
		if err != nil {
			return err //nolint:wrapcheck // names the chain already
		}
		if entries = append(entries, e); len(entries) == catchUpBatch {
			if err := s.take(ctx, entries); err != nil {
				return err
			}
			entries = entries[:0]
		}
	}
	return s.take(ctx, entries)
}

// catchUpBatch bounds how many entries are entered in one transaction.
const catchUpBatch = 4096

// take enters entries of another collector, or of an earlier life of this
// catalog. Pending windows that they cover are withdrawn.
func (s *sealer) take(ctx context.Context, entries []*evidence.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	pending, err := s.c.Catalog.ListPending(ctx, s.id)
	if err != nil {
		return fmt.Errorf("list pending windows: %w", err)
	}
	if err := s.commit(ctx, entries); err != nil {
		return err
	}
	for _, p := range pending {
		err := s.checkOpen(ctx, p.Window)
		if errors.Is(err, errAlreadySealed) {
			err = s.withdraw(ctx, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commit enters entries that the chain holds into the catalog. done are
// pending records that go with them, beside the windows' own.
func (s *sealer) commit(ctx context.Context, entries []*evidence.Entry, done ...evidence.Window) error {
	c := catalog.Commit{Head: s.head, After: s.head.Size, Pending: done}
	for _, e := range entries {
		applyEntry(&c, e)
	}
	c.Head.Size, c.Head.LastHash, c.Head.Checkpoint = s.log.Size(), s.log.LastHash(), s.log.Checkpoint()
	if last := entries[len(entries)-1]; last.Seq+1 != c.Head.Size { // more is to come
		b, err := evidence.Encode(last)
		if err != nil {
			return err //nolint:wrapcheck // names the entry already
		}
		c.Head.Size, c.Head.LastHash = last.Seq+1, evidence.HashEntry(b)
	}
	if err := s.c.Catalog.Commit(ctx, c); err != nil {
		return fmt.Errorf("commit to catalog: %w", err)
	}
	s.head = c.Head
	return nil
}

// applyEntry adds to a commit what an entry says of the ledger, the holds and
// the source.
func applyEntry(c *catalog.Commit, e *evidence.Entry) {
	row := catalog.Window{Chain: e.Chain(), Seq: e.Seq, Object: catalog.Kept}
	switch e.Kind {
	case evidence.KindLog:
		row.Window, row.State = *e.Window, catalog.Sealed
		row.Lines, row.Bytes = e.Content.Lines, e.Content.Bytes
	case evidence.KindGap:
		row.Window, row.State = *e.Window, catalog.Lost
		row.Reason, row.Detail = e.Gap.Reason, e.Gap.Detail
	case evidence.KindObservation:
		hash := evidence.Digest(sha256.Sum256(e.Observation.Value))
		c.Observed = append(c.Observed, catalog.Observed{Topic: e.Observation.Topic, Seq: e.Seq, Hash: hash})
		if e.Observation.Topic == evidence.TopicFields {
			c.Head.FieldsSeq, c.Head.FieldsHash = e.Seq, hash
		}
		return
	case evidence.KindExpiry:
		c.Expired = append(c.Expired, e.Expiry.Seqs...)
		return
	case evidence.KindHold:
		if e.Hold.Placed {
			c.Placed = append(c.Placed, catalog.Hold{Chain: e.Chain(), ID: e.Hold.ID, Window: *e.Window, Reason: e.Hold.Reason, Seq: e.Seq})
		} else {
			c.Lifted = append(c.Lifted, e.Hold.ID)
		}
		return
	default:
		return
	}
	c.Windows = append(c.Windows, row)
	c.Pending = append(c.Pending, row.Window)
}
