package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Options say what to verify and against what.
type Options struct {
	Level Level
	// Key is the pinned verifier key; nil takes the remembered one, else the
	// archive's own word, and says so.
	Key *evidence.PublicKey
	// Chains limits the verification; empty means all.
	Chains []evidence.ChainID
	// From and To limit the objects and the coverage, in receive and event
	// time. Chains are always verified whole.
	From, To time.Time
	Known    Known
	Workers  int // default: the number of processors
	// Meter says which members of a dataset's records carry time and class.
	// Default: Cloudflare's http_requests.
	Meter    func(dataset string) evidence.MeterConfig
	Now      func() time.Time
	Progress func(Progress) // may be nil; never called concurrently
}

// Progress tells how far a verification is.
type Progress struct {
	Chain evidence.ChainID
	Stage string // "entries", "objects"
	Done  int64
	Total int64 // entries, or stored bytes
}

func (o Options) withDefaults() Options {
	if o.Level == "" {
		o.Level = LevelContent
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Meter == nil {
		o.Meter = func(string) evidence.MeterConfig {
			return evidence.MeterConfig{TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// run is one verification.
type run struct {
	store   Store
	opts    Options
	report  *Report
	key     evidence.PublicKey
	entries int64
	keep    map[evidence.ChainID][]*evidence.Entry // nil unless the entries are wanted

	mu    sync.Mutex // guards progress
	done  int64
	total int64
}

// maxDescriptor bounds what is read as rainlogs.json.
const maxDescriptor = 64 << 10

// Run verifies an archive. What is wrong with the evidence is in the report;
// the error is for what kept the verification from being made (a store that
// cannot be reached, a newer format, no archive at all).
func Run(ctx context.Context, store Store, opts Options) (*Report, error) {
	opts = opts.withDefaults()
	r := &run{store: store, opts: opts, report: &Report{Level: opts.Level, CheckedAt: evidence.SealTime(opts.Now())}}
	checks, err := r.chains(ctx)
	if err != nil {
		return nil, err
	}
	r.report.Entries = r.entries
	if opts.Level != LevelChain {
		for _, c := range checks {
			for _, o := range c.objects {
				r.total += o.object.Bytes
			}
		}
		for _, c := range checks {
			if err := c.checkObjects(ctx); err != nil {
				return nil, err
			}
		}
		if err := r.unexplained(ctx, checks); err != nil {
			return nil, err
		}
	}
	return r.conclude(checks)
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
		c := newChainCheck(r, id)
		if err := c.verify(ctx); err != nil {
			return nil, err
		}
		checks = append(checks, c)
	}
	return checks, nil
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
		return err //nolint:wrapcheck // names the file already
	}
	r.report.Archive = d.Archive
	if err := r.chooseKey(d); err != nil {
		return err
	}
	r.report.VKey = r.key.VKey()
	if want := evidence.KeyName(d.Archive); r.key.Name() != want {
		r.report.find(CodeDescriptor, evidence.ChainID{}, -1, evidence.DescriptorKey, "%s says archive %s, but the trusted key is that of %s", evidence.DescriptorKey, d.Archive, r.key.Name())
	}
	if own, err := evidence.ParseVKey(d.VKey); err != nil || !own.Equal(r.key) {
		r.report.find(CodeKeyMismatch, evidence.ChainID{}, -1, evidence.DescriptorKey, "%s names the key %.120s, which is not the trusted one (%s)", evidence.DescriptorKey, d.VKey, r.key.VKey())
	}
	return nil
}

func (r *run) chooseKey(d evidence.Descriptor) error {
	if r.opts.Key != nil {
		r.key, r.report.KeyTrust = *r.opts.Key, TrustPinned
		return nil
	}
	key, ok, err := r.opts.Known.Key(d.Archive)
	if err != nil {
		return err
	}
	if ok {
		r.key, r.report.KeyTrust = key, TrustRemembered
		return nil
	}
	if r.key, err = evidence.ParseVKey(d.VKey); err != nil {
		return fmt.Errorf("%s: %w", evidence.DescriptorKey, err)
	}
	r.report.KeyTrust = TrustUnpinned
	r.report.notice("the key was NOT pinned: it is the archive's own word, and whoever can rewrite the archive can rewrite it. Give --key with a key from elsewhere")
	return nil
}

// chainIDs lists the chains in the store and those remembered from earlier.
func (r *run) chainIDs(ctx context.Context) ([]evidence.ChainID, error) {
	seen := map[evidence.ChainID]bool{}
	// Skip from chain to chain: a chain has thousands of files.
	for after := ""; ; {
		next := ""
		for info, err := range r.store.List(ctx, evidence.ChainsPrefix, after) {
			if err != nil {
				return nil, fmt.Errorf("list chains: %w", err)
			}
			next = info.Key
			break
		}
		if next == "" {
			break
		}
		after = next
		if id, ok := evidence.ParseChainPrefix(next); ok {
			seen[id] = true
			after = id.Prefix() + "~" // behind every key of the chain
		}
	}
	remembered, err := r.opts.Known.Heads(r.report.Archive)
	if err != nil {
		return nil, err
	}
	for _, id := range remembered {
		seen[id] = true
	}
	var ids []evidence.ChainID
	for id := range seen {
		if r.wanted(id) {
			ids = append(ids, id)
		}
	}
	for _, id := range r.opts.Chains {
		if !seen[id] {
			ids = append(ids, id) // asked for and not there is a finding
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

// unexplained finds what is in the store and in no entry.
func (r *run) unexplained(ctx context.Context, checks []*chainCheck) error {
	byChain := map[evidence.ChainID]*chainCheck{}
	for _, c := range checks {
		byChain[c.id] = c
	}
	for info, err := range r.store.List(ctx, "", "") {
		if err != nil {
			return fmt.Errorf("list archive: %w", err)
		}
		if id, text := r.explain(info.Key, byChain); text != "" {
			r.report.find(CodeUnexplained, id, -1, info.Key, "%s: %s", info.Key, text)
		}
	}
	return nil
}

// explain returns why a key is not explained, or "".
func (r *run) explain(key string, checks map[evidence.ChainID]*chainCheck) (evidence.ChainID, string) {
	switch {
	case key == evidence.DescriptorKey, strings.HasPrefix(key, "columns/"):
		return evidence.ChainID{}, ""
	case strings.HasPrefix(key, evidence.LogsPrefix):
		id, _, _, err := evidence.ParseObjectKey(key)
		if err != nil {
			return evidence.ChainID{}, "no object of this archive has such a key"
		}
		c := checks[id]
		if c == nil && !r.wanted(id) || c != nil && (c.explain[key] || c.signed == nil) {
			return id, ""
		}
		return id, "no entry of the chain names this object"
	case strings.HasPrefix(key, evidence.ChainsPrefix):
		id, ok := evidence.ParseChainPrefix(key)
		if !ok {
			return evidence.ChainID{}, "no chain has such a key"
		}
		if r.wanted(id) && !chainFile(id, key) {
			return id, "a chain has no such file"
		}
		return id, ""
	}
	return evidence.ChainID{}, "an archive has no such file"
}

// chainFile knows the shapes of a chain's keys.
func chainFile(id evidence.ChainID, key string) bool {
	rest := strings.TrimPrefix(key, id.Prefix())
	if rest == "checkpoint" {
		return true
	}
	folder, name, _ := strings.Cut(rest, "/")
	switch folder {
	case "checkpoints":
		return digits(name)
	case "timestamps":
		return digits(strings.TrimSuffix(name, ".tsr")) && strings.HasSuffix(name, ".tsr")
	case "tile":
		level, n, _ := strings.Cut(name, "/")
		return (level == "entries" || digits(level)) && tileName(n)
	}
	return false
}

// tileName knows tlog-tiles' "x001/x234/067" and its ".p/W".
func tileName(n string) bool {
	n, width, partial := strings.Cut(n, ".p/")
	if partial && !digits(width) {
		return false
	}
	parts := strings.Split(n, "/")
	for i, p := range parts {
		if i < len(parts)-1 {
			p = strings.TrimPrefix(p, "x")
		}
		if len(p) != 3 || !digits(p) {
			return false
		}
	}
	return true
}

func digits(s string) bool {
	return s != "" && len(s) < 19 && strings.Trim(s, "0123456789") == ""
}

// conclude gives the verdicts, and remembers what was verified.
func (r *run) conclude(checks []*chainCheck) (*Report, error) {
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
		rep.Chains = append(rep.Chains, c.report)
		rep.Complete = rep.Complete && c.report.Complete
	}
	if !rep.Intact {
		return rep, nil
	}
	if rep.KeyTrust != TrustRemembered {
		if err := r.opts.Known.RememberKey(rep.Archive, r.key); err != nil {
			return rep, err
		}
	}
	for _, c := range checks {
		if err := c.remember(); err != nil {
			return rep, err
		}
	}
	return rep, nil
}

func (r *run) progress(p Progress) {
	if r.opts.Progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opts.Progress(p)
}

func (r *run) objectDone(id evidence.ChainID, stored int64) {
	r.mu.Lock()
	r.done += stored
	done := r.done
	r.mu.Unlock()
	r.progress(Progress{Chain: id, Stage: "objects", Done: done, Total: r.total})
}
