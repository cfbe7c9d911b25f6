-- name: PutZone :exec
INSERT INTO zones (id, dataset, name, added_ms, paused, schedule, from_ms, source, subject)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id, dataset) DO UPDATE
SET name = excluded.name, added_ms = excluded.added_ms, paused = excluded.paused,
    schedule = excluded.schedule, from_ms = excluded.from_ms,
    source = excluded.source, subject = excluded.subject;

-- name: ZoneByID :one
SELECT * FROM zones WHERE id = $1 ORDER BY dataset LIMIT 1;

-- name: ZoneByChain :one
SELECT * FROM zones WHERE id = $1 AND dataset = $2;

-- A customer may call its zones what it likes: a name finds none of them.
-- name: ZoneByName :one
SELECT * FROM zones WHERE name = $1
AND NOT EXISTS (SELECT 1 FROM zone_owners WHERE zone_owners.zone = zones.id)
ORDER BY id, dataset LIMIT 1;

-- name: ListZones :many
SELECT * FROM zones ORDER BY name, id, dataset;

-- name: RemoveZone :execrows
DELETE FROM zones WHERE id = $1 AND dataset = $2;

-- name: Standing :one
SELECT * FROM standings WHERE zone = $1 AND dataset = $2;

-- name: PutStanding :exec
INSERT INTO standings (zone, dataset, not_before_ms, blocked, detail, since_ms, probed_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (zone, dataset) DO UPDATE
SET not_before_ms = excluded.not_before_ms, blocked = excluded.blocked, detail = excluded.detail,
    since_ms = excluded.since_ms, probed_ms = excluded.probed_ms;

-- name: ListStandings :many
SELECT * FROM standings ORDER BY zone, dataset;
