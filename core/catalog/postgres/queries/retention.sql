-- The conditions are those of the partial indexes, word by word.

-- name: Expirable :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.end_s <= @before_s
AND w.state = 'sealed' AND w.bytes > 0 AND w.object = 'kept'
ORDER BY w.end_s LIMIT @at_most::bigint;

-- name: Expiring :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.start_s >= @from_s AND w.object = 'expiring'
ORDER BY w.start_s LIMIT @at_most::bigint;

-- name: SetExpiring :exec
UPDATE windows SET object = 'expiring'
WHERE zone = @zone AND dataset = @dataset AND seq = ANY (@seqs::bigint[])
AND state = 'sealed' AND bytes > 0 AND object <> 'removed';

-- name: SetRemoved :execrows
UPDATE windows SET object = 'removed'
WHERE zone = @zone AND dataset = @dataset AND seq = @seq
AND state = 'sealed' AND bytes > 0 AND object <> 'removed' AND object = 'expiring';

-- name: PlaceHold :exec
INSERT INTO holds (zone, dataset, id, start_s, end_s, reason, seq) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (zone, dataset, id) DO UPDATE
SET start_s = excluded.start_s, end_s = excluded.end_s, reason = excluded.reason, seq = excluded.seq;

-- name: LiftHold :exec
DELETE FROM holds WHERE zone = $1 AND dataset = $2 AND id = $3;

-- name: Holds :many
SELECT * FROM holds WHERE zone = $1 AND dataset = $2 ORDER BY start_s, id;

-- name: PutObserved :exec
INSERT INTO observed (zone, dataset, topic, seq, hash) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (zone, dataset, topic) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;

-- name: Observed :one
SELECT * FROM observed WHERE zone = $1 AND dataset = $2 AND topic = $3;
