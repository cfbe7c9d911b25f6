-- Windows of one chain never overlap, so of those that start at or before an
-- instant only the last can reach beyond it: a range is one stretch of the
-- primary key that begins there. Open windows (seq -1) have an index of their
-- own; its condition stands in the queries word by word.

-- name: WindowsIn :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.end_s > @from_s::bigint AND w.start_s < @to_s
AND w.start_s >= COALESCE(
    (SELECT MAX(b.start_s) FROM windows AS b WHERE b.zone = @zone AND b.dataset = @dataset AND b.start_s <= @from_s::bigint),
    @from_s::bigint)
ORDER BY w.start_s;

-- name: OpenWindowsIn :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.end_s > @from_s::bigint AND w.start_s < @to_s AND w.seq = -1
AND w.start_s >= COALESCE(
    (SELECT MAX(b.start_s) FROM windows AS b WHERE b.zone = @zone AND b.dataset = @dataset AND b.start_s <= @from_s::bigint),
    @from_s::bigint)
ORDER BY w.start_s;

-- name: DueWindows :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.seq = -1
AND (w.state IN ('planned', 'pulling') OR w.next_ms <= @now_ms::bigint)
ORDER BY w.start_s LIMIT @at_most::bigint;

-- name: StretchesIn :many
SELECT w.state, w.reason, MIN(w.start_s)::bigint AS start_s, MAX(w.end_s)::bigint AS end_s,
    SUM(w.end_s - w.start_s)::bigint AS seconds, COUNT(*) AS windows, SUM(w.lines)::bigint AS lines, SUM(w.bytes)::bigint AS bytes
FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.end_s > @from_s::bigint AND w.start_s < @to_s
AND w.start_s >= COALESCE(
    (SELECT MAX(b.start_s) FROM windows AS b WHERE b.zone = @zone AND b.dataset = @dataset AND b.start_s <= @from_s::bigint),
    @from_s::bigint)
GROUP BY w.state, w.reason;

-- name: LatestWindows :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.start_s < @before_s::bigint
ORDER BY w.start_s DESC LIMIT @at_most::bigint;

-- name: Backlog :many
SELECT w.zone, w.dataset, w.state, COUNT(*) AS windows,
    MIN(w.start_s)::bigint AS oldest_s, MAX(w.end_s)::bigint AS newest_s
FROM windows AS w
WHERE w.seq = -1
GROUP BY w.zone, w.dataset, w.state
ORDER BY w.zone, w.dataset, w.state;

-- name: FirstWindow :one
SELECT start_s FROM windows WHERE zone = $1 AND dataset = $2 ORDER BY start_s LIMIT 1;

-- name: LastWindow :one
SELECT end_s FROM windows WHERE zone = $1 AND dataset = $2 ORDER BY start_s DESC LIMIT 1;

-- name: InsertWindows :batchexec
INSERT INTO windows (zone, dataset, start_s, end_s, state, attempts, next_ms, reason, detail, seq, lines, bytes, object)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: UpdateOpenWindow :execrows
UPDATE windows SET state = @state, attempts = @attempts, next_ms = @next_ms, reason = @reason, detail = @detail
WHERE zone = @zone AND dataset = @dataset AND start_s = @start_s AND end_s = @end_s AND seq = -1;

-- name: WindowAt :one
SELECT * FROM windows
WHERE zone = @zone AND dataset = @dataset AND start_s = @start_s AND end_s = @end_s;

-- name: DeleteWindow :exec
DELETE FROM windows WHERE zone = $1 AND dataset = $2 AND start_s = $3;

-- name: LockLedger :exec
SELECT pg_advisory_xact_lock(@key::bigint);
