package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const remedyRebuild = "nothing sealed is lost: run rainlogs archive rebuild-catalog"

// The ages of what is not collected yet. Logpull keeps what it has for 168 hours.
const (
	oldBacklog  = 72 * time.Hour
	lastBacklog = 144 * time.Hour
)

// catalog opens the catalog. Opening brings its schema up to date, and finds
// the damage that can be found.
func (v *visit) catalog(ctx context.Context) []Finding {
	address := v.w.Config.Catalog
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok { // which opening would make
		_, err := within(ctx, func() (fs.FileInfo, error) { return os.Stat(path) })
		if errors.Is(err, fs.ErrNotExist) {
			return []Finding{{Status: Warn, Found: path + " is not there", Remedy: "nothing if this archive is new, the next command makes it; else " + remedyRebuild}}
		}
		if err != nil {
			return []Finding{failed(err, remedyRebuild)}
		}
	}
	cat, err := site.OpenCatalog(ctx, address, v.Env.Getenv)
	if err != nil {
		return []Finding{failed(err, "see that the database runs, is reachable, and lets this user in; nothing sealed is lost meanwhile")}
	}
	v.w.Catalog = cat
	if v.zones, err = cat.ListZones(ctx); err != nil {
		return []Finding{failed(err, remedyRebuild)}
	}
	f := Finding{Status: OK, Found: fmt.Sprintf("opens, its schema is current, %d zones", len(v.zones))}
	if len(v.zones) == 0 {
		f.Status, f.Remedy = Warn, "put a zone under collection: rainlogs zone add ZONE_ID"
	}
	return []Finding{f}
}

// chains compares the heads that the catalog knows with those of the stores.
func (v *visit) chains(ctx context.Context) []Finding {
	if v.w.Catalog == nil || len(v.stores) == 0 {
		return nil
	}
	ids, err := v.allChains(ctx)
	if err != nil {
		return []Finding{failed(err, remedyStore)}
	}
	var found []Finding
	for _, id := range ids {
		bad, err := v.chain(ctx, id)
		if err != nil {
			f := failed(err, "run rainlogs verify to see what is wrong with it")
			f.Subject = id.String()
			bad = []Finding{f}
		}
		found = append(found, bad...)
		if ctx.Err() != nil {
			break
		}
	}
	if len(found) == 0 {
		return []Finding{{Status: OK, Found: site.Number(len(ids), "chain ends", "chains end") + " in the catalog as in the stores"}}
	}
	return found
}

// allChains are those of the zones, and those that the stores have.
func (v *visit) allChains(ctx context.Context) ([]evidence.ChainID, error) {
	seen := map[evidence.ChainID]bool{}
	var out []evidence.ChainID
	add := func(ids ...evidence.ChainID) {
		for _, id := range ids {
			if !seen[id] {
				seen[id], out = true, append(out, id)
			}
		}
	}
	for _, z := range v.zones {
		add(z.Chain())
	}
	for _, o := range v.stores {
		ids, err := verify.ListChains(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("store %s: %w", o.name, err)
		}
		add(ids...)
	}
	return out, nil
}

// chain compares one chain's heads. The catalog is asked first: a collector at
// work commits to the stores before it does to the catalog.
func (v *visit) chain(ctx context.Context, id evidence.ChainID) ([]Finding, error) {
	known, err := v.known(ctx, id)
	if err != nil {
		return nil, err
	}
	heads := make([]evidence.Checkpoint, len(v.stores))
	longest := 0
	for i := range v.stores {
		if heads[i], err = v.head(ctx, i, id); err != nil {
			return nil, fmt.Errorf("store %s: %w", v.stores[i].name, err)
		}
		if heads[i].Size > heads[longest].Size {
			longest = i
		}
	}
	longestHead := heads[longest]
	if longestHead.Size > known.Size { // of a collector at work, the catalog is there by now
		later, err := v.known(ctx, id)
		if err != nil {
			return nil, err
		}
		if later.Size > longestHead.Size {
			return nil, nil
		}
		known = later
	}
	var found []Finding
	add := func(s Status, remedy, format string, args ...any) {
		found = append(found, Finding{Status: s, Subject: id.String(), Found: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	switch {
	case known.Size > longestHead.Size && len(v.stores) < len(v.w.Config.Archive.Storage):
		add(Warn, "see to the other stores first", "the catalog knows %d entries, the stores that can be read have %d", known.Size, longestHead.Size)
	case known.Size > longestHead.Size:
		add(Fail, "a store was put back, or is not this archive's: stop collecting, and run rainlogs verify", "the catalog knows %d entries, the stores have %d", known.Size, longestHead.Size)
	case known.Size < longestHead.Size:
		add(Warn, "the next pull or collector catches up by itself; rainlogs archive rebuild-catalog does so at once", "the catalog is behind: it knows %d entries, the stores have %d", known.Size, longestHead.Size)
	case known.Root != longestHead.Root:
		add(Fail, "stop collecting, and run rainlogs verify: there are two histories", "the %d entries that the catalog knows are not those of the store", known.Size)
	}
	for i, h := range heads {
		if h.Size < longestHead.Size {
			add(Warn, "the collector brings it up to date; if it stays behind, "+remedyStore, "store %s has %d entries, %s has %d", v.stores[i].name, h.Size, v.stores[longest].name, longestHead.Size)
		}
	}
	return found, nil
}

// known is the head that the catalog has; zero if it has none.
func (v *visit) known(ctx context.Context, id evidence.ChainID) (evidence.Checkpoint, error) {
	head, err := v.w.Catalog.Head(ctx, id)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && head.Size == 0 {
		return evidence.Checkpoint{}, nil
	}
	if err != nil {
		return evidence.Checkpoint{}, fmt.Errorf("read head of %s: %w", id, err)
	}
	return evidence.ParseCheckpoint(head.Checkpoint, evidence.Origin(v.w.Archive, id)) //nolint:wrapcheck // says what it did
}

// head is a store's; zero if it has none. Its signature is for verify to check.
func (v *visit) head(ctx context.Context, store int, id evidence.ChainID) (evidence.Checkpoint, error) {
	s, key := v.stores[store], id.CheckpointKey()
	info, err := s.Stat(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return evidence.Checkpoint{}, nil
	}
	if err != nil {
		return evidence.Checkpoint{}, fmt.Errorf("describe %s: %w", key, err)
	}
	if info.Modified.After(v.newest) {
		v.newest = info.Modified
	}
	body, err := s.Get(ctx, key, 0, evidence.MaxCheckpoint)
	if err != nil {
		return evidence.Checkpoint{}, fmt.Errorf("read %s: %w", key, err)
	}
	b, err := io.ReadAll(io.LimitReader(body, evidence.MaxCheckpoint))
	if err = errors.Join(err, body.Close()); err != nil {
		return evidence.Checkpoint{}, fmt.Errorf("read %s: %w", key, err)
	}
	c, err := evidence.ParseCheckpoint(b, evidence.Origin(v.w.Archive, id))
	if err != nil {
		return c, fmt.Errorf("%s: %w", key, err)
	}
	return c, nil
}

// backlog looks at what is not collected yet, and who has to act for it.
func (v *visit) backlog(ctx context.Context) []Finding {
	if v.w.Catalog == nil || len(v.zones) == 0 {
		return nil
	}
	open, err := v.w.Catalog.Backlog(ctx)
	if err != nil {
		return []Finding{failed(err, remedyRebuild)}
	}
	standings, err := v.w.Catalog.ListStandings(ctx)
	if err != nil {
		return []Finding{failed(err, remedyRebuild)}
	}
	blocked := map[evidence.ChainID]catalog.Standing{}
	for _, s := range standings {
		blocked[s.Chain] = s
	}
	var found []Finding
	windows := int64(0)
	for _, z := range v.zones {
		n, bad, err := v.waiting(ctx, z, open, blocked[z.Chain()])
		if err != nil {
			return append(found, failed(err, remedyRebuild))
		}
		windows, found = windows+n, append(found, bad...)
	}
	if len(found) == 0 {
		return []Finding{{Status: OK, Found: fmt.Sprintf("%d windows are open, none of %.0f h ago or before; no zone is blocked", windows, oldBacklog.Hours())}}
	}
	return found
}

// waiting looks at one zone: the number of its open windows, and what is wrong.
func (v *visit) waiting(ctx context.Context, z catalog.Zone, open []catalog.Backlog, s catalog.Standing) (windows int64, found []Finding, err error) {
	var since time.Time
	for _, b := range open {
		if b.Chain == z.Chain() {
			windows += b.Windows
			if since.IsZero() || b.Oldest.Before(since) {
				since = b.Oldest
			}
		}
	}
	if z.Paused {
		return windows, []Finding{{Status: Warn, Subject: z.Name, Found: "is paused: nothing is collected", Remedy: "let it be collected again before " + forgetting(z) + "; what is older then is lost"}}, nil
	}
	if s.Blocked != "" {
		found = append(found, Finding{
			Status: Fail, Subject: z.Name, Found: fmt.Sprintf("is blocked since %s (%s): %s", site.RFC3339(s.Since), s.Blocked, s.Detail),
			Remedy: "mend that; docs/operations.md has what each reason asks for",
		})
	}
	if since.IsZero() {
		if since, err = v.collectedUntil(ctx, z); err != nil {
			return windows, found, err
		}
	}
	if age := v.Env.Now().Sub(since); age >= oldBacklog {
		f := Finding{
			Status: Warn, Subject: z.Name, Found: fmt.Sprintf("is not collected from %s on, %.0f h ago; %d windows are open", site.RFC3339(since), age.Hours(), windows),
			Remedy: "run the collector, or rainlogs pull, before " + forgetting(z),
		}
		if age >= lastBacklog {
			f.Status = Fail
		}
		found = append(found, f)
	}
	return windows, found, nil
}

// forgetting is when a zone's source forgets, in words.
func forgetting(z catalog.Zone) string {
	if z.Source == "" {
		return "168 h are over, when the source forgets"
	}
	return "its source forgets"
}

// collectedUntil is where collection goes on in a zone without open windows.
func (v *visit) collectedUntil(ctx context.Context, z catalog.Zone) (time.Time, error) {
	_, last, err := v.w.Catalog.Bounds(ctx, z.Chain())
	switch {
	case err != nil:
		return last, fmt.Errorf("find the end of %s's ledger: %w", z.ID, err)
	case !last.IsZero():
		return last, nil
	case z.From.After(z.AddedAt):
		return z.From, nil
	}
	return z.AddedAt, nil
}
