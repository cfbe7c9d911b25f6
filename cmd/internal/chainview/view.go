// Package chainview is what the workstation's Chain screen sees of an archive:
// chains as core/verify reads them, whole or damaged, and its verdicts in words.
//
// A chain is read once, in bounded memory: of each entry a line for the list
// and its leaf hash are kept. An entry that is looked at is read anew from the
// store and held to that hash.
package chainview

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
)

// Config is what a View is made of.
type Config struct {
	Store   verify.Store
	Archive string // id
	// Options are how this machine verifies: its key, what it remembers.
	Options verify.Options
	// Names are what zones are called; nil, or an error, and they are called by their ids.
	Names func(ctx context.Context) (map[evidence.ChainID]string, error)
	Cache *chaincache.Cache // of bundles, may be nil
	Now   func() time.Time
}

// View answers the screen. It is safe for concurrent use.
type View struct {
	cfg Config

	mu    sync.Mutex // guards books, whose values never change
	books map[evidence.ChainID]*book
}

var _ chain.Data = (*View)(nil)

// New returns a view of an archive, of which nothing is read yet.
func New(cfg Config) *View { return &View{cfg: cfg, books: map[evidence.ChainID]*book{}} }

func toID(id evidence.ChainID) chain.ID { return chain.ID{Zone: id.Zone, Dataset: id.Dataset} }
func fromID(id chain.ID) evidence.ChainID {
	return evidence.ChainID{Zone: id.Zone, Dataset: id.Dataset}
}

// Chains lists the archive's chains.
func (v *View) Chains(ctx context.Context) ([]chain.Chain, error) {
	ids, err := verify.ListChains(ctx, v.cfg.Store)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	names := v.names(ctx)
	out := make([]chain.Chain, len(ids))
	for i, id := range ids {
		out[i] = chain.Chain{ID: toID(id), Name: names[id]}
	}
	return out, nil
}

// names are the catalog's to say, and what is shown does not depend on them.
func (v *View) names(ctx context.Context) map[evidence.ChainID]string {
	if v.cfg.Names == nil {
		return nil
	}
	names, err := v.cfg.Names(ctx)
	if err != nil {
		return nil
	}
	return names
}

// Open reads a chain and verifies it at chain level.
func (v *View) Open(ctx context.Context, screenID chain.ID, progress func(chain.Progress)) (chain.Book, error) {
	id := fromID(screenID)
	w := &walk{}
	opts := v.cfg.Options
	opts.Progress = v.progress(progress)
	opts.Walked = w.take
	reader, err := v.read(ctx, id, opts)
	var damaged *verify.DamagedError
	if err != nil && !errors.As(err, &damaged) {
		return chain.Book{}, fmt.Errorf("read chain: %w", err)
	}
	out := chain.Book{Chain: chain.Chain{ID: screenID, Name: v.names(ctx)[id]}, Archive: v.cfg.Archive, At: v.cfg.Now().UTC()}
	b := &book{id: id}
	if damaged == nil {
		vkey, trust := reader.Trust()
		head, note := reader.Head()
		b.head, b.sound = head, true
		v.tell(&out, reader.Report(), chain.Trust(trust), vkey)
		out.Head.Note = string(note)
	} else {
		r := damaged.Report
		out.Findings, out.More, out.Notices = findings(r.Findings), r.More, r.Notices
		if len(r.Chains) > 0 {
			v.tell(&out, r.Chains[0], chain.Trust(r.KeyTrust), r.VKey)
		}
		out.Head.Note = v.note(ctx, id)
	}
	w.end(out.Head.Size)
	b.rows, b.whole = w.rows, !w.lost
	w.fill(&out)
	if err := v.around(ctx, id, &out); err != nil {
		return chain.Book{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.books[id] = b
	return out, nil
}

func (v *View) read(ctx context.Context, id evidence.ChainID, opts verify.Options) (*verify.ChainReader, error) {
	if v.cfg.Cache == nil {
		return verify.ReadChain(ctx, v.cfg.Store, id, opts) //nolint:wrapcheck // by the caller
	}
	return v.cfg.Cache.ReadChain(ctx, v.cfg.Store, v.cfg.Archive, id, opts) //nolint:wrapcheck // by the caller
}

// progress brings the verifier's progress to the screen.
func (v *View) progress(told func(chain.Progress)) func(verify.Progress) {
	if told == nil {
		return nil
	}
	began, stage := v.cfg.Now(), ""
	return func(p verify.Progress) {
		now := v.cfg.Now()
		if at := p.Stage + p.Chain.String(); p.Stage == "entries" && at != stage || p.Stage != "entries" && p.Stage != stage {
			if stage != "" {
				began = now
			}
			stage = p.Stage
			if p.Stage == "entries" {
				stage = at
			}
		}
		told(chain.Progress{
			Stage: p.Stage, Chain: toID(p.Chain), Done: p.Done, Total: p.Total, Bytes: p.Stage == "objects",
			Found: p.Found, Elapsed: now.Sub(began),
		})
	}
}

// maxHoles is how many holes a book lists.
const maxHoles = 200

// tell fills in what the verifier says of a chain.
func (v *View) tell(out *chain.Book, r verify.ChainReport, trust chain.Trust, vkey string) {
	if r.VKey != "" {
		vkey = r.VKey
	}
	out.Head = chain.Head{Size: r.Size, Root: r.Root, Key: vkey, Trust: trust, Remembered: r.Remembered}
	out.Windows, out.Gaps, out.Expired, out.Lines = r.Windows, r.Gaps, r.Expired, r.Lines
	out.First, out.Last, out.Complete = r.First, r.Last, r.Complete
	for _, s := range r.Segments {
		switch s.State {
		case verify.Gap, verify.Missing, verify.Overlapping:
		default:
			continue
		}
		if len(out.Holes) == maxHoles {
			out.MoreHoles++
			continue
		}
		what := string(s.State)
		if s.Reason != "" {
			what += " (" + s.Reason + ")"
		}
		out.Holes = append(out.Holes, chain.Hole{From: s.From, To: s.To, What: what})
	}
}

// Verify verifies anew.
func (v *View) Verify(ctx context.Context, job chain.Job, progress func(chain.Progress)) (chain.Verdict, error) {
	level, err := verify.ParseLevel(string(job.Level))
	if err != nil {
		return chain.Verdict{}, err //nolint:wrapcheck // says what it did
	}
	opts := v.cfg.Options
	opts.Level, opts.Progress = level, v.progress(progress)
	if job.Chain != (chain.ID{}) {
		opts.Chains = []evidence.ChainID{fromID(job.Chain)}
	}
	if job.Object != "" {
		opts.Sample = func(key string) bool { return key == job.Object }
	}
	began := v.cfg.Now()
	r, err := verify.Run(ctx, v.cfg.Store, opts)
	if err != nil {
		return chain.Verdict{}, fmt.Errorf("verify: %w", err)
	}
	out := chain.Verdict{
		Job: job, At: v.cfg.Now().UTC(), Took: v.cfg.Now().Sub(began), Intact: r.Intact, Complete: r.Complete, Trust: chain.Trust(r.KeyTrust),
		Chains: len(r.Chains), Entries: r.Entries, Objects: r.Objects, ObjectsDue: r.ObjectsDue, Stored: r.Bytes, StoredDue: r.BytesDue,
		Content: r.Content, Encrypted: r.Encrypted, Findings: findings(r.Findings), More: r.More, Covered: r.Covered, Notices: r.Notices,
	}
	for _, c := range r.Chains {
		out.Windows, out.Gaps, out.Expired = out.Windows+c.Windows, out.Gaps+c.Gaps, out.Expired+c.Expired
	}
	return out, nil
}
