package selfcheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// Notes is the part of catalog.Memory that a Checker needs.
type Notes interface {
	PutNote(ctx context.Context, key string, value []byte) error
	Note(ctx context.Context, key string) ([]byte, error)
}

// Config are a Checker's parts and settings.
type Config struct {
	Store   verify.Store
	Notes   Notes
	Archive string // UUID
	// Key is the trusted verifier key; nil takes the remembered one.
	Key     *evidence.PublicKey
	Known   verify.Known // remembered heads: without them no rollback is seen
	Workers int          // default: the number of processors
	CatchUp int          // missed buckets that one check makes up for; default 3
	Now     func() time.Time
	Record  func(Result) // may be nil; called after each check, in turn
	Log     *slog.Logger
}

// Result is what one check found.
type Result struct {
	At      time.Time        `json:"at"`      // when it began
	Buckets []int            `json:"buckets"` // days of the cycle that were read
	Chains  int              `json:"chains"`
	Objects int64            `json:"objects"`
	Bytes   int64            `json:"bytes"`    // stored bytes
	Missed  int              `json:"missed"`   // buckets that are still to be made up for
	Found   int64            `json:"found"`    // findings
	List    []verify.Finding `json:"findings"` // at most maxListed of them
	// PerChain counts the findings by chain; "" are those of the archive itself.
	PerChain map[string]int64 `json:"per_chain,omitempty"`
	Took     time.Duration    `json:"took"` // nanoseconds
}

// Of is how many findings concern a chain: its own, and the archive's.
func (r Result) Of(chain evidence.ChainID) int64 { return r.PerChain[chain.String()] + r.PerChain[""] }

// maxListed bounds the findings in a result.
const maxListed = 100

// Status is how the self-check stands.
type Status struct {
	Last Result `json:"last"` // At is zero before the first check
	// Clean is when the latest check without findings began.
	Clean time.Time `json:"clean,omitzero"`
}

// Checker verifies an archive day by day.
type Checker struct {
	Config
	mu sync.Mutex // one check at a time
}

// New checks the parts.
func New(cfg Config) (*Checker, error) {
	if cfg.Store == nil || cfg.Notes == nil || cfg.Archive == "" {
		return nil, errors.New("self-check lacks a store, notes or the archive's id")
	}
	if cfg.CatchUp <= 0 {
		cfg.CatchUp = 3
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Record == nil {
		cfg.Record = func(Result) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Checker{Config: cfg}, nil
}

// noteKey is where the memory is kept.
const noteKey = "selfcheck/state"

// memory is the note.
type memory struct {
	V        int      `json:"v"`
	Progress progress `json:"progress"`
	Status   Status   `json:"status"`
	Damaged  []string `json:"damaged"` // keys of objects to be read again every day
}

// Check is Run for a daemon's job.
func (c *Checker) Check(ctx context.Context) error {
	_, err := c.Run(ctx)
	return err
}

// Status returns what is remembered of earlier checks.
func (c *Checker) Status(ctx context.Context) (Status, error) {
	m, err := c.remember(ctx)
	return m.Status, err
}

// Run verifies the chains and the objects that are due. Nothing is done twice
// a day: with no bucket open, the last result is returned.
func (c *Checker) Run(ctx context.Context) (Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := c.Now()
	m, err := c.remember(ctx)
	if err != nil {
		return Result{}, err
	}
	at := placeOf(begun)
	m.Progress = m.Progress.at(at.Cycle)
	due := m.Progress.due(at, c.CatchUp)
	if len(due) == 0 {
		return m.Status.Last, nil
	}
	report, err := c.verify(ctx, due, m.Damaged)
	if err != nil {
		return Result{}, err
	}
	m.Progress = m.Progress.mark(due)
	r := result(report, due)
	r.At, r.Took = evidence.SealTime(begun), c.Now().Sub(begun)
	r.Missed = len(m.Progress.due(at, 2*Days))
	if m.Status.Last = r; r.Found == 0 {
		m.Status.Clean = r.At
	}
	m.Damaged = damaged(report.Findings)
	c.tell(ctx, r)
	if err := c.keep(ctx, m); err != nil {
		return r, err
	}
	c.Record(r)
	return r, nil
}

func (c *Checker) verify(ctx context.Context, due []place, again []string) (*verify.Report, error) {
	inBuckets := sampler(c.Archive, due)
	damaged := map[string]bool{}
	for _, key := range again {
		damaged[key] = true
	}
	report, err := verify.Run(ctx, c.Store, verify.Options{
		Key: c.Key, Known: c.Known, Patience: time.Minute, // the collector is at work
		Workers: c.Workers, Now: c.Now,
		Sample: func(key string) bool { return damaged[key] || inBuckets(key) },
	})
	if err != nil {
		return nil, fmt.Errorf("self-check: %w", err)
	}
	if report.Archive != c.Archive {
		return nil, fmt.Errorf("self-check: the store holds archive %.64q, not %s", report.Archive, c.Archive)
	}
	return report, nil
}

func result(report *verify.Report, due []place) Result {
	r := Result{
		Buckets: make([]int, len(due)), Chains: len(report.Chains), Objects: report.Objects, Bytes: report.Bytes,
		Found: int64(len(report.Findings)) + report.More, List: report.Findings[:min(len(report.Findings), maxListed)],
	}
	for i, b := range due {
		r.Buckets[i] = b.Day
	}
	for _, f := range report.Findings {
		if r.PerChain == nil {
			r.PerChain = map[string]int64{}
		}
		r.PerChain[f.Chain]++
	}
	return r
}

// maxDamaged bounds what is read again every day. What is beyond comes again
// with its bucket.
const maxDamaged = 10_000

// damaged are the keys of objects with findings.
func damaged(findings []verify.Finding) []string {
	var keys []string
	seen := map[string]bool{}
	for _, f := range findings {
		if _, _, _, err := evidence.ParseObjectKey(f.Key); err == nil && f.Seq >= 0 && !seen[f.Key] && len(keys) < maxDamaged {
			keys, seen[f.Key] = append(keys, f.Key), true
		}
	}
	return keys
}

func (c *Checker) tell(ctx context.Context, r Result) {
	for _, f := range r.List {
		c.Log.ErrorContext(ctx, "self-check found damage", "code", f.Code, "chain", f.Chain, "seq", f.Seq, "key", f.Key, "text", f.Text)
	}
	c.Log.InfoContext(ctx, "self-check done", "buckets", r.Buckets, "chains", r.Chains, "objects", r.Objects, "bytes", r.Bytes,
		"findings", r.Found, "missed", r.Missed, "took", r.Took)
}

func (c *Checker) remember(ctx context.Context) (memory, error) {
	b, err := c.Notes.Note(ctx, noteKey)
	if errors.Is(err, catalog.ErrNotFound) {
		return memory{V: 1}, nil
	}
	if err != nil {
		return memory{}, fmt.Errorf("read self-check's memory: %w", err)
	}
	var m memory
	if err := json.Unmarshal(b, &m); err != nil || m.V != 1 {
		// It costs a cycle at most, and a check must not fail for ever over it.
		c.Log.WarnContext(ctx, "self-check's memory cannot be read; the cycle begins anew", "error", err)
		return memory{V: 1}, nil
	}
	return m, nil
}

func (c *Checker) keep(ctx context.Context, m memory) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode self-check's memory: %w", err)
	}
	if err := c.Notes.PutNote(ctx, noteKey, b); err != nil {
		return fmt.Errorf("keep self-check's memory: %w", err)
	}
	return nil
}
