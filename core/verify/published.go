package verify

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// publishedCheck compares every published checkpoint with the tree that the
// entries make at its size. The texts are compared at every level; signatures, which
// cost a hundred times more, from level objects on: what an older signature
// says is said by the head's too.
type publishedCheck struct {
	next int // index into the chain's sizes
	jobs chan publishedJob
	done <-chan struct{}

	mu       sync.Mutex
	good     int64            // the largest size that agrees
	differ   []publishedOther // those that do not
	covered  []covered        // those that do not, and their first versions do
	unsigned []int64
}

type publishedJob struct {
	size  int64
	root  tlog.Hash
	keys  []evidence.PublicKey // whose signatures are asked for; none at level chain
	known []evidence.PublicKey
}

type publishedOther struct {
	size   int64
	got    string
	signed bool // by a key that has a say: two histories are signed
}

// start runs the comparisons beside the walk; stop waits for them.
func (p *publishedCheck) start(ctx context.Context, c *chainCheck) (stop func() error) {
	if len(c.sizes) == 0 {
		return func() error { return nil }
	}
	g, ctx := errgroup.WithContext(ctx)
	p.jobs, p.done = make(chan publishedJob, 256), ctx.Done()
	for range c.run.opts.Workers {
		g.Go(func() error {
			for job := range p.jobs {
				if err := p.compare(ctx, c, job); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return func() error {
		close(p.jobs)
		return g.Wait()
	}
}

// at hands on the published checkpoint of the tree's present size, if any.
func (p *publishedCheck) at(ctx context.Context, c *chainCheck) error {
	for p.next < len(c.sizes) && c.sizes[p.next] < c.tree.size {
		p.next++ // size 0
	}
	if p.next == len(c.sizes) || c.sizes[p.next] != c.tree.size {
		return nil
	}
	p.next++
	job := publishedJob{size: c.tree.size, root: c.tree.root(), known: c.known()}
	if c.run.opts.Level != LevelChain {
		job.keys = job.known
	}
	select {
	case p.jobs <- job:
	case <-p.done: // a worker failed, and stop tells how; or the caller's own end
		return ctx.Err()
	}
	return nil
}

func (p *publishedCheck) compare(ctx context.Context, c *chainCheck, job publishedJob) error {
	key := c.id.CheckpointAt(job.size)
	b, err := readAll(ctx, c.run.store, key, evidence.MaxCheckpoint)
	if err != nil && !isFinding(err) {
		return fmt.Errorf("read published checkpoint: %w", err)
	}
	text := evidence.Checkpoint{Origin: c.origin, Size: job.size, Root: job.root}.Text()
	same := err == nil && bytes.HasPrefix(b, append([]byte(text), '\n')) // a blank line parts text and signatures
	got := string(b[:min(len(b), 300)])
	if err != nil {
		got = err.Error()
	}
	keys := job.keys
	if !same {
		keys = append([]evidence.PublicKey{c.run.key}, c.run.others...)
	}
	signed := len(keys) == 0 || c.opensAny(b, keys)
	if !signed { // what is signed and differs is a fork, whatever is kept
		first, ok, firstErr := c.keepsCheckpoint(ctx, key, func(b []byte) bool {
			return bytes.HasPrefix(b, append([]byte(text), '\n')) && c.opensAny(b, job.known)
		})
		if firstErr != nil {
			return fmt.Errorf("read published checkpoint: %w", firstErr)
		}
		if ok {
			p.keep(c, covered{key, job.size - 1, stateOf(b, err), first, nil}, got)
			return nil
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c.report.Published++
	switch {
	case !same && len(p.differ) < maxFindings:
		p.differ = append(p.differ, publishedOther{job.size, got, signed})
	case same && !signed && len(p.unsigned) < maxFindings:
		p.unsigned = append(p.unsigned, job.size)
	case same:
		p.good = max(p.good, job.size)
	}
	return nil
}

// keep notes a checkpoint that is covered, or hidden while it was compared.
func (p *publishedCheck) keep(c *chainCheck, f covered, got string) {
	f.otherwise = func() { p.findDiffering(c, publishedOther{f.seq + 1, got, false}) }
	p.mu.Lock()
	defer p.mu.Unlock()
	c.report.Published++
	if len(p.covered) < maxFindings {
		p.covered = append(p.covered, f)
	}
}

func (p *publishedCheck) lastGood() int64 { return p.good }

// conclude names the checkpoints that differ. Where the entries themselves are
// not those of the head, that they differ from older checkpoints too is no news.
func (p *publishedCheck) conclude(c *chainCheck, sound bool) {
	for _, size := range p.unsigned {
		key := c.id.CheckpointAt(size)
		c.find(CodeCheckpointUnsigned, size-1, key, "%s is not signed by the trusted key", key)
	}
	for _, o := range p.differ {
		if !sound {
			break
		}
		p.findDiffering(c, o)
	}
	c.covered = append(c.covered, p.covered...)
}

func (p *publishedCheck) findDiffering(c *chainCheck, o publishedOther) {
	key := c.id.CheckpointAt(o.size)
	code, text := CodeCheckpointChanged, "%s does not say what the first %d entries say: it was changed"
	if o.signed {
		code, text = CodeFork, "%s is signed by the trusted key and contradicts the first %d entries: two histories were signed"
	}
	c.broken.Store(true)
	c.findObject(code, o.size-1, key, "", o.got, text, key, o.size)
}
