-- Windows of one chain never overlap, so of those that start at or before an
-- instant only the last can reach beyond it: a range is one stretch of the
-- primary key that begins there. Open windows (seq -1) have an index of their
-- own, which the planner, without statistics, would not choose by itself.

-- name: WindowsIn :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.end_s > @from_s AND w.start_s < @to_s
AND w.start_s >= COALESCE(
    (SELECT MAX(b.start_s) FROM windows AS b WHERE b.zone = @zone AND b.dataset = @dataset AND b.start_s <= @from_s),
    @from_s)
ORDER BY w.start_s;

-- name: OpenWindowsIn :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w INDEXED BY windows_open
WHERE w.zone = @zone AND w.dataset = @dataset AND w.end_s > @from_s AND w.start_s < @to_s AND w.seq = -1
AND w.start_s >= COALESCE(
    (SELECT MAX(b.start_s) FROM windows AS b WHERE b.zone = @zone AND b.dataset = @dataset AND b.start_s <= @from_s),
    @from_s)
ORDER BY w.start_s;

-- name: DueWindows :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w INDEXED BY windows_open
WHERE w.zone = @zone AND w.dataset = @dataset AND w.seq = -1
AND (w.state IN ('planned', 'pulling') OR w.next_ms <= @now_ms)
ORDER BY w.start_s LIMIT @at_most;

-- name: StretchesIn :many
SELECT w.state, w.reason, CAST(MIN(w.start_s) AS INTEGER) AS start_s, CAST(MAX(w.end_s) AS INTEGER) AS end_s,
    CAST(SUM(w.end_s - w.start_s) AS INTEGER) AS seconds, COUNT(*) AS windows,
    CAST(SUM(w.lines) AS INTEGER) AS lines, CAST(SUM(w.bytes) AS INTEGER) AS bytes
FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.end_s > @from_s AND w.start_s < @to_s
AND w.start_s >= COALESCE(
    (SELECT MAX(b.start_s) FROM windows AS b WHERE b.zone = @zone AND b.dataset = @dataset AND b.start_s <= @from_s),
    @from_s)
GROUP BY w.state, w.reason;

-- name: LatestWindows :many
SELECT w.start_s, w.end_s, w.state, w.attempts, w.next_ms, w.reason, w.detail, w.seq, w.lines, w.bytes, w.object FROM windows AS w
WHERE w.zone = @zone AND w.dataset = @dataset AND w.start_s < @before_s
ORDER BY w.start_s DESC LIMIT @at_most;

-- name: Backlog :many
SELECT w.zone, w.dataset, w.state, COUNT(*) AS windows,
    CAST(MIN(w.start_s) AS INTEGER) AS oldest_s, CAST(MAX(w.end_s) AS INTEGER) AS newest_s
FROM windows AS w INDEXED BY windows_open
WHERE w.seq = -1
GROUP BY w.zone, w.dataset, w.state
ORDER BY w.zone, w.dataset, w.state;

-- name: FirstWindow :one
SELECT start_s FROM windows WHERE zone = ? AND dataset = ? ORDER BY start_s LIMIT 1;

-- name: LastWindow :one
SELECT end_s FROM windows WHERE zone = ? AND dataset = ? ORDER BY start_s DESC LIMIT 1;

-- name: InsertWindow :exec
INSERT INTO windows (zone, dataset, start_s, end_s, state, attempts, next_ms, reason, detail, seq, lines, bytes, object)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: UpdateOpenWindow :execrows
UPDATE windows SET state = @state, attempts = @attempts, next_ms = @next_ms, reason = @reason, detail = @detail
WHERE zone = @zone AND dataset = @dataset AND start_s = @start_s AND end_s = @end_s AND seq = -1;

-- name: WindowAt :one
SELECT * FROM windows
WHERE zone = @zone AND dataset = @dataset AND start_s = @start_s AND end_s = @end_s;

-- name: DeleteWindow :exec
DELETE FROM windows WHERE zone = ? AND dataset = ? AND start_s = ?;
