-- name: Budget :one
SELECT * FROM budgets WHERE key = ?;

-- name: PutBudget :exec
INSERT INTO budgets (key, whole_us, shut_us) VALUES (@key, @whole_us, 0)
ON CONFLICT (key) DO UPDATE SET whole_us = excluded.whole_us;

-- name: ShutBudget :exec
INSERT INTO budgets (key, whole_us, shut_us) VALUES (@key, 0, @shut_us)
ON CONFLICT (key) DO UPDATE SET shut_us = MAX(budgets.shut_us, excluded.shut_us);

-- name: PutNote :exec
INSERT INTO notes (key, value) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: Note :one
SELECT value FROM notes WHERE key = ?;

-- name: PutMissed :exec
INSERT INTO missed (store, key, since_ms) VALUES (?, ?, ?)
ON CONFLICT (store, key) DO NOTHING;

-- name: ListMissed :many
SELECT * FROM missed WHERE store = @store AND key > @after ORDER BY key LIMIT @at_most;

-- name: DropMissed :exec
DELETE FROM missed WHERE store = ? AND key = ?;
