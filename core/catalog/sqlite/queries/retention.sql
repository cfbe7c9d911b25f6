-- The conditions are those of the partial indexes, word by word.

-- name: Expirable :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w INDEXED BY windows_kept
WHERE w.zone = @zone AND w.dataset = @dataset AND w.end_s <= @before_s
AND w.state = 'sealed' AND w.bytes > 0 AND w.object = 'kept'
ORDER BY w.end_s LIMIT @at_most;

-- name: Expiring :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w INDEXED BY windows_expiring
WHERE w.zone = @zone AND w.dataset = @dataset AND w.start_s >= @from_s AND w.object = 'expiring'
ORDER BY w.start_s LIMIT @at_most;

-- name: SetExpiring :exec
UPDATE windows SET object = 'expiring'
WHERE windows.zone = @zone AND windows.dataset = @dataset AND windows.start_s IN (
    SELECT w.start_s FROM windows AS w INDEXED BY windows_by_seq
    WHERE w.zone = @zone AND w.dataset = @dataset AND w.seq = @seq
    AND w.state = 'sealed' AND w.bytes > 0 AND w.object <> 'removed');

-- name: SetRemoved :execrows
UPDATE windows SET object = 'removed'
WHERE windows.zone = @zone AND windows.dataset = @dataset AND windows.object = 'expiring' AND windows.start_s IN (
    SELECT w.start_s FROM windows AS w INDEXED BY windows_by_seq
    WHERE w.zone = @zone AND w.dataset = @dataset AND w.seq = @seq
    AND w.state = 'sealed' AND w.bytes > 0 AND w.object <> 'removed');

-- name: PlaceHold :exec
INSERT INTO holds (zone, dataset, id, start_s, end_s, reason, seq) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (zone, dataset, id) DO UPDATE
SET start_s = excluded.start_s, end_s = excluded.end_s, reason = excluded.reason, seq = excluded.seq;

-- name: LiftHold :exec
DELETE FROM holds WHERE zone = ? AND dataset = ? AND id = ?;

-- name: Holds :many
SELECT * FROM holds WHERE zone = ? AND dataset = ? ORDER BY start_s, id;

-- name: PutObserved :exec
INSERT INTO observed (zone, dataset, topic, seq, hash) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (zone, dataset, topic) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;

-- name: Observed :one
SELECT * FROM observed WHERE zone = ? AND dataset = ? AND topic = ?;
