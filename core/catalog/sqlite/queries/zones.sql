-- name: PutZone :exec
INSERT INTO zones (id, dataset, name, added_ms, paused)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id, dataset) DO UPDATE
SET name = excluded.name, added_ms = excluded.added_ms, paused = excluded.paused;

-- name: ZoneByID :one
SELECT * FROM zones WHERE id = ? ORDER BY dataset LIMIT 1;

-- name: ZoneByName :one
SELECT * FROM zones WHERE name = ? ORDER BY id, dataset LIMIT 1;

-- name: ListZones :many
SELECT * FROM zones ORDER BY name, id, dataset;

-- name: RemoveZone :execrows
DELETE FROM zones WHERE id = ? AND dataset = ?;
