-- name: PutPending :exec
INSERT INTO pending (zone, dataset, start_s, end_s, spool, draft, seq, entry)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (zone, dataset, start_s, end_s) DO UPDATE
SET spool = excluded.spool, draft = excluded.draft, seq = excluded.seq, entry = excluded.entry;

-- name: SetEntry :execrows
UPDATE pending SET seq = @seq, entry = @entry
WHERE zone = @zone AND dataset = @dataset AND start_s = @start_s AND end_s = @end_s;

-- name: ListPending :many
SELECT * FROM pending WHERE zone = $1 AND dataset = $2 ORDER BY seq, start_s, end_s;

-- name: DropPending :exec
DELETE FROM pending WHERE zone = $1 AND dataset = $2 AND start_s = $3 AND end_s = $4;

-- name: Head :one
SELECT * FROM heads WHERE zone = $1 AND dataset = $2;

-- name: PutHead :exec
INSERT INTO heads (zone, dataset, size, last_hash, checkpoint, fields_seq, fields_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (zone, dataset) DO UPDATE
SET size = excluded.size, last_hash = excluded.last_hash, checkpoint = excluded.checkpoint,
    fields_seq = excluded.fields_seq, fields_hash = excluded.fields_hash;
