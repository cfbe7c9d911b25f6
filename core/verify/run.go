package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sort"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Options say what to verify and against what.
type Options struct {
	Level Level
	// Key is the pinned verifier key; nil takes the remembered one, else the
	// archive's own word, and says so. A key that took over later in the chain,
	// or one that handed over to the present one, will do.
	Key *evidence.PublicKey
	// Chains limits the verification; empty means all.
	Chains []evidence.ChainID
	// From and To limit the objects and the coverage, in receive and event
	// time. Chains are always verified whole.
	From, To time.Time
	// Sample limits the objects that are read to those whose key it takes; nil
	// takes all. What the store holds is listed whole all the same.
	Sample func(key string) bool
	Known  Known
	// Patience is for how long an object that was put a moment ago may wait for
	// its entry: a collector is at work. 0 is not at all.
	Patience time.Duration
	Workers  int // default: the number of processors
	Now      func() time.Time
	Progress func(Progress) // may be nil; never called concurrently
	// Walked is told of each entry of a chain as it is read, in order, sound or
	// not; entries of a bundle that cannot be read are left out. It may be nil,
	// and is never called concurrently. A chain may be walked twice: when Seq
	// does not grow, what was told of the chain before is void.
	Walked func(Walked)
}

// Walked is an entry as it was read.
type Walked struct {
	Chain evidence.ChainID
	Seq   int64           // its place
	Entry *evidence.Entry // nil if it does not decode; not to be changed
	Err   error           // why it does not
	Leaf  tlog.Hash       // of its bytes
}

// Progress tells how far a verification is.
type Progress struct {
	Chain evidence.ChainID
	Stage string // "entries", "objects"
	Done  int64
	Total int64 // entries, or stored bytes
	// Found is how many findings there are so far. Those of the entries may be
	// taken back when the store keeps first versions that fit.
	Found int64
}

func (o Options) withDefaults() Options {
	if o.Level == "" {
		o.Level = LevelContent
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// run is one verification.
type run struct {
	store  Store
	first  *firstVersions // nil if the store keeps none
	opts   Options
	report *Report
	// quick leaves out what the entries do not need: published tiles and
	// checkpoints. The root over the entries still has to be the signed one.
	quick bool
	keep  bool // the entries, in memory

	key    evidence.PublicKey   // the trusted one
	own    *evidence.PublicKey  // the archive's own word for its first key, nil if unreadable
	others []evidence.PublicKey // the archive's own and the remembered one, if they are not that
	family []evidence.PublicKey // keys that are tied to the trusted one by handovers

	mu    sync.Mutex // guards progress
	done  int64
	total int64
}

func newRun(store Store, opts Options) *run {
	opts = opts.withDefaults()
	report := &Report{
		Level: opts.Level, CheckedAt: evidence.SealTime(opts.Now()), Findings: []Finding{}, Notices: []string{},
	}
	return &run{store: store, first: newFirstVersions(store, report), opts: opts, report: report}
}

// maxDescriptor bounds what is read as rainlogs.json.
const maxDescriptor = 64 << 10

// Run verifies an archive. What is wrong with the evidence is in the report;
// the error is for what kept the verification from being made (a store that
// cannot be reached, a newer format, no archive at all).
func Run(ctx context.Context, store Store, opts Options) (*Report, error) {
	r := newRun(store, opts)
	checks, err := r.chains(ctx)
	if err != nil {
		return nil, err
	}
	if r.opts.Level != LevelChain {
		for _, c := range checks {
			r.total += c.due.bytes
			r.report.ObjectsDue += c.due.objects
			r.report.BytesDue += c.due.bytes
		}
		for _, c := range checks {
			if err := c.checkObjects(ctx); err != nil {
				return nil, err
			}
		}
		if err := r.explainAll(ctx, checks); err != nil {
			return nil, err
		}
	}
	return r.conclude(checks), nil
}

// chains verifies the descriptor and every chain at chain level.
func (r *run) chains(ctx context.Context) ([]*chainCheck, error) {
	if err := r.descriptor(ctx); err != nil {
		return nil, err
	}
	ids, err := r.chainIDs(ctx)
	if err != nil {
		return nil, err
	}
	var checks []*chainCheck
	for _, id := range ids {
		c, err := r.chain(ctx, id)
		if err != nil {
			return nil, err
		}
		checks = append(checks, c)
	}
	r.checkFamily()
	return checks, nil
}

// chain verifies one chain at chain level. If its entries are not those that
// were signed, it is verified once more by the first versions of its files, as
// far as the store keeps them.
func (r *run) chain(ctx context.Context, id evidence.ChainID) (*chainCheck, error) {
	before := r.report.said()
	family := len(r.family)
	c := newChainCheck(r, id)
	if err := c.verify(ctx); err != nil || c.signed == nil || c.trusted || r.first == nil {
		return c, err
	}
	found, present := r.report.said(), r.family
	r.report.resume(before)
	r.family = slices.Clone(present[:family])
	again := newChainCheck(r, id)
	again.firsts = true
	if err := again.verify(ctx); err != nil || again.trusted {
		return again, err
	}
	r.report.resume(found)
	r.family = present
	return c, nil
}

// descriptor reads rainlogs.json and settles which key is trusted.
func (r *run) descriptor(ctx context.Context) error {
	b, err := readAll(ctx, r.store, evidence.DescriptorKey, maxDescriptor)
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("there is no archive here: %w", err)
	}
	if err != nil {
		return err
	}
	d, err := evidence.DecodeDescriptor(b)
	if err != nil {
		return err
	}
	r.report.Archive = d.Archive
	if err := r.chooseKey(d); err != nil {
		return err
	}
	r.report.VKey = r.key.VKey()
	if want := evidence.KeyName(d.Archive); r.key.Name() != want {
		r.report.find(CodeDescriptor, evidence.DescriptorKey, "%s says archive %s, but the trusted key is that of %s", evidence.DescriptorKey, d.Archive, r.key.Name())
	}
	return nil
}

func (r *run) chooseKey(d evidence.Descriptor) error {
	own, ownErr := evidence.ParseVKey(d.VKey)
	remembered, ok, err := r.opts.Known.Key(d.Archive)
	if err != nil {
		return err
	}
	switch {
	case r.opts.Key != nil:
		r.key, r.report.KeyTrust = *r.opts.Key, TrustPinned
		if ok && !remembered.Equal(r.key) {
			r.others = append(r.others, remembered)
		}
	case ok:
		r.key, r.report.KeyTrust = remembered, TrustRemembered
		r.report.notice("the key was not pinned by you: it is the one this machine saw when it first verified this archive")
	case ownErr != nil:
		return fmt.Errorf("%s names no key, and none was given: %w", evidence.DescriptorKey, ownErr)
	default:
		r.key, r.report.KeyTrust = own, TrustUnpinned
		r.report.notice("the key was NOT pinned: it is the archive's own word, and whoever can rewrite the archive can rewrite it. Give --key with a key from elsewhere")
	}
	if ownErr != nil {
		r.report.find(CodeKeyMismatch, evidence.DescriptorKey, "%s names no readable key: %v", evidence.DescriptorKey, ownErr)
		return nil
	}
	r.own = &own
	if !own.Equal(r.key) {
		r.others = append(r.others, own)
	}
	return nil
}

// checkFamily finds keys that somebody else vouches for and no handover ties
// to the trusted one.
func (r *run) checkFamily() {
	for _, k := range r.others {
		tied := false
		for _, f := range r.family {
			tied = tied || f.Equal(k)
		}
		if !tied {
			r.report.find(CodeKeyMismatch, evidence.DescriptorKey,
				"%s, or this machine's memory of the archive, names the key %s; the trusted one is %s, and no chain hands over from one to the other", evidence.DescriptorKey, k.VKey(), r.key.VKey())
		}
	}
}

// chainIDs lists the chains in the store and those remembered from earlier.
func (r *run) chainIDs(ctx context.Context) ([]evidence.ChainID, error) {
	stored, err := ListChains(ctx, r.store)
	if err != nil {
		return nil, err
	}
	remembered, err := r.opts.Known.Heads(r.report.Archive)
	if err != nil {
		return nil, err
	}
	seen := map[evidence.ChainID]bool{}
	for _, id := range slices.Concat(stored, remembered, r.opts.Chains) {
		seen[id] = true // to be there and not to be found is a finding
	}
	var ids []evidence.ChainID
	for id := range seen {
		if r.wanted(id) {
			ids = append(ids, id)
		}
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i].String() < ids[j].String() })
	return ids, nil
}

func (r *run) wanted(id evidence.ChainID) bool {
	for _, w := range r.opts.Chains {
		if w == id {
			return true
		}
	}
	return len(r.opts.Chains) == 0
}

// conclude gives the verdicts, and remembers what was verified.
func (r *run) conclude(checks []*chainCheck) *Report {
	rep := r.report
	sort.SliceStable(rep.Findings, func(i, j int) bool {
		a, b := rep.Findings[i], rep.Findings[j]
		if a.Chain != b.Chain {
			return a.Chain < b.Chain
		}
		return a.Seq < b.Seq
	})
	rep.Intact, rep.Complete = len(rep.Findings) == 0, len(checks) > 0
	if len(checks) == 0 {
		rep.notice("the archive has no chain: nothing was ever sealed into it")
	}
	for _, c := range checks {
		rep.Entries += c.walked
		rep.Chains = append(rep.Chains, c.report)
		rep.Complete = rep.Complete && c.report.Complete
	}
	if err := r.remember(checks); err != nil {
		rep.notice("what was verified could not be remembered, so that a later rollback to it would not be seen: %v", err)
	}
	return rep
}

// remember keeps the heads of the chains that were verified; an object that is
// damaged does not keep a chain from being remembered.
func (r *run) remember(checks []*chainCheck) error {
	if r.opts.Known.Dir == "" {
		return nil
	}
	for _, f := range r.report.Findings {
		if f.Code == CodeDescriptor || f.Code == CodeKeyMismatch {
			return nil // not the archive it claims to be
		}
	}
	first := r.report.KeyTrust != TrustRemembered
	for _, c := range checks {
		if c.broken.Load() || !c.trusted || c.head.Size < c.seen.Size {
			continue
		}
		if first {
			if err := r.opts.Known.RememberKey(r.report.Archive, r.key); err != nil {
				return err
			}
			first = false
		}
		if err := r.opts.Known.RememberHead(r.report.Archive, c.id, c.signed); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) progress(p Progress) {
	if r.opts.Progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p.Found = r.report.found()
	r.opts.Progress(p)
}

func (r *run) objectDone(id evidence.ChainID, stored int64) {
	if r.opts.Progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += stored
	r.opts.Progress(Progress{Chain: id, Stage: "objects", Done: r.done, Total: r.total, Found: r.report.found()})
}
