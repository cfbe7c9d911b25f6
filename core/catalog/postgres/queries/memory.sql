-- Rows are made and locked in the order of their keys, and the clock is read
-- when all are: no instant before another's grant is reckoned with.

-- name: MakeBudgets :exec
INSERT INTO budgets (key, whole_us, shut_us)
SELECT k, 0, 0 FROM unnest(@keys::text[]) AS k ORDER BY k COLLATE "C"
ON CONFLICT (key) DO NOTHING;

-- name: LockBudgets :many
SELECT * FROM budgets WHERE key = ANY (@keys::text[]) ORDER BY key FOR UPDATE;

-- name: Clock :one
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us;

-- name: PutBudgets :batchexec
UPDATE budgets SET whole_us = $1 WHERE key = $2;

-- name: ShutBudget :exec
INSERT INTO budgets (key, whole_us, shut_us) VALUES (@key, 0, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + @d_us::bigint)
ON CONFLICT (key) DO UPDATE SET shut_us = GREATEST(budgets.shut_us, excluded.shut_us);

-- name: PutNote :exec
INSERT INTO notes (key, value) VALUES ($1, $2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: Note :one
SELECT value FROM notes WHERE key = $1;

-- name: PutMissed :batchexec
INSERT INTO missed (store, key, since_ms) VALUES ($1, $2, $3)
ON CONFLICT (store, key) DO NOTHING;

-- name: ListMissed :many
SELECT * FROM missed WHERE store = @store AND key > @after ORDER BY key LIMIT @at_most::bigint;

-- name: DropMissed :exec
DELETE FROM missed WHERE store = $1 AND key = $2;
