package chaincache

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// Memory keeps verified chains for a process that asks again and again: a
// chain is read anew when the signed head in the store is another, byte for
// byte, than the one it was verified by. It is safe for concurrent use.
type Memory struct {
	mu    sync.Mutex
	heads map[evidence.ChainID]string
	known map[evidence.ChainID]verify.Chain
}

// maxHead bounds a checkpoint; real ones have some 300 bytes.
const maxHead = 64 << 10

// ReadChains returns chains, all that the store has if opts names none, as read does. Options
// other than the chains have to be the same each time. Callers share what they get and must not change it.
func (m *Memory) ReadChains(ctx context.Context, store verify.Store, opts verify.Options,
	read func(verify.Options) ([]verify.Chain, error),
) ([]verify.Chain, error) {
	ids, err := opts.Chains, error(nil)
	if len(ids) == 0 {
		if ids, err = verify.ListChains(ctx, store); err != nil {
			return nil, err //nolint:wrapcheck // says what it did
		}
	}
	before := headsOf(ctx, store, ids)
	m.mu.Lock()
	defer m.mu.Unlock()
	if chains, ok := m.kept(ids, before); ok {
		return chains, nil
	}
	chains, err := read(opts)
	if err != nil {
		return nil, err
	}
	m.keep(chains, before, headsOf(ctx, store, ids))
	return chains, nil
}

// kept returns the chains if all of them are as they were.
func (m *Memory) kept(ids []evidence.ChainID, heads map[evidence.ChainID]string) (chains []verify.Chain, ok bool) {
	for _, id := range ids {
		head, now := heads[id]
		if !now || head != m.heads[id] {
			return nil, false
		}
		chains = append(chains, m.known[id])
	}
	return chains, len(chains) > 0
}

// keep keeps the chains whose head did not change while they were read: of the others
// nobody knows which head they were verified by.
func (m *Memory) keep(chains []verify.Chain, before, after map[evidence.ChainID]string) {
	if m.heads == nil {
		m.heads, m.known = map[evidence.ChainID]string{}, map[evidence.ChainID]verify.Chain{}
	}
	for _, c := range chains {
		if head, ok := before[c.ID]; ok && head == after[c.ID] {
			m.heads[c.ID], m.known[c.ID] = head, c
		}
	}
}

// headsOf are the signed heads of those chains whose head can be read.
func headsOf(ctx context.Context, store verify.Store, ids []evidence.ChainID) map[evidence.ChainID]string {
	heads := make(map[evidence.ChainID]string, len(ids))
	for _, id := range ids {
		if head, err := headOf(ctx, store, id); err == nil {
			heads[id] = head
		}
	}
	return heads
}

func headOf(ctx context.Context, store verify.Store, id evidence.ChainID) (head string, err error) {
	r, err := store.Get(ctx, id.CheckpointKey(), 0, -1)
	if err != nil {
		return "", fmt.Errorf("read head of %s: %w", id, err)
	}
	defer r.Close() //nolint:errcheck // was read to its end
	b, err := io.ReadAll(io.LimitReader(r, maxHead))
	if err != nil {
		return "", fmt.Errorf("read head of %s: %w", id, err)
	}
	return string(b), nil
}
