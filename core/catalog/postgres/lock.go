package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// unlockTimeout bounds an unlock: after it the connection is cut, which unlocks too.
const unlockTimeout = 5 * time.Second

var (
	errClosed  = errors.New("catalog is closed")
	errNotHeld = errors.New("session does not hold it")
)

// lockKey is the number of an advisory lock: 64 bits of a hash, because that is
// all that PostgreSQL takes, of a name that no other program has.
func lockKey(purpose string, chain evidence.ChainID) int64 {
	sum := sha256.Sum256([]byte("rainlogs/" + purpose + "/" + chain.Zone + "/" + chain.Dataset))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// held is a lock that is held by its connection.
type held struct {
	conn   *pgxpool.Conn
	unlock func() error
}

// Lock takes the chain's advisory lock in a session of its own. When the
// connection is lost, so is the lock, and unlock says so by ErrUnavailable.
func (c *Catalog) Lock(ctx context.Context, chain evidence.ChainID) (unlock func() error, err error) {
	if err := ledger.CheckChain(chain); err != nil {
		return nil, fmt.Errorf("lock chain: %w", err)
	}
	conn, err := c.locks.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock chain %s: %w", chain, translate(ctx, err))
	}
	key := lockKey("chain", chain)
	var ok bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&ok); err != nil {
		cut(conn) // whether it was taken is not known
		return nil, fmt.Errorf("lock chain %s: %w", chain, translate(ctx, err))
	}
	if !ok {
		defer conn.Release()
		return nil, fmt.Errorf("lock chain %s: %w%s", chain, catalog.ErrBusy, holder(ctx, conn, key))
	}
	free, err := c.keep(conn, key)
	if err != nil {
		return nil, fmt.Errorf("lock chain %s: %w", chain, err)
	}
	return func() error {
		if err := free(); err != nil {
			return fmt.Errorf("unlock chain %s: %w", chain, err)
		}
		return nil
	}, nil
}

// keep notes the lock, so that Close can give it up.
func (c *Catalog) keep(conn *pgxpool.Conn, key int64) (unlock func() error, err error) {
	h := &held{conn: conn}
	h.unlock = sync.OnceValue(func() error {
		c.mu.Lock()
		delete(c.held, h)
		c.mu.Unlock()
		return release(conn, key)
	})
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.held[h] = struct{}{}
	}
	c.mu.Unlock()
	if closed {
		cut(conn)
		return nil, errClosed
	}
	return h.unlock, nil
}

// release unlocks and gives the connection back.
func release(conn *pgxpool.Conn, key int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), unlockTimeout)
	defer cancel()
	var had bool
	err := conn.QueryRow(ctx, "SELECT pg_advisory_unlock($1)", key).Scan(&had)
	if err == nil && had {
		conn.Release()
		return nil
	}
	cut(conn)
	if err == nil {
		err = errNotHeld
	}
	return fmt.Errorf("lock was lost: %w: %w", catalog.ErrUnavailable, err)
}

// cut ends the connection's session, and with it whatever lock it holds.
func cut(conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), unlockTimeout)
	defer cancel()
	_ = conn.Hijack().Close(ctx) // the socket is closed in any case
}

// holder returns " (rainlogs HOST:PID)", or "" where that is not known.
func holder(ctx context.Context, conn *pgxpool.Conn, key int64) string {
	const who = `SELECT a.application_name FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND l.classid = $1::bigint::oid AND l.objid = $2::bigint::oid`
	var name string
	err := conn.QueryRow(ctx, who, int64(uint64(key)>>32), int64(uint32(key))).Scan(&name)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) || name == "" {
		return ""
	}
	return fmt.Sprintf(" (%.80q)", name)
}
