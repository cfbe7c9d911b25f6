-- Zones of other sources than logpull: the source's name in the config, and
-- what it calls the zone where that is not the zone's id.

-- +goose Up
ALTER TABLE zones ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE zones ADD COLUMN subject TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE zones DROP COLUMN subject;
ALTER TABLE zones DROP COLUMN source;
