-- Window bounds are Unix seconds, other times Unix milliseconds (0: none).
-- Every table of a chain is keyed by zone and dataset first, so that one
-- chain's rows lie together and a range of its windows is one stretch.

-- +goose Up
CREATE TABLE zones (
    id       TEXT    NOT NULL,
    dataset  TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    added_ms INTEGER NOT NULL,
    paused   INTEGER NOT NULL CHECK (paused IN (0, 1)),
    PRIMARY KEY (id, dataset)
) STRICT, WITHOUT ROWID;

CREATE INDEX zones_by_name ON zones (name);

CREATE TABLE windows (
    zone     TEXT    NOT NULL,
    dataset  TEXT    NOT NULL,
    start_s  INTEGER NOT NULL,
    end_s    INTEGER NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('planned', 'pulling', 'sealed', 'retrying', 'blocked', 'lost')),
    attempts INTEGER NOT NULL,
    next_ms  INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    detail   TEXT    NOT NULL,
    seq      INTEGER NOT NULL CHECK (seq >= -1 AND (seq = -1) = (state NOT IN ('sealed', 'lost'))),
    lines    INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (zone, dataset, start_s),
    CHECK (start_s < end_s)
) STRICT, WITHOUT ROWID;

-- Few windows are open at a time, and those are what a collector asks for.
CREATE INDEX windows_open ON windows (zone, dataset, start_s) WHERE seq = -1;

CREATE TABLE pending (
    zone    TEXT    NOT NULL,
    dataset TEXT    NOT NULL,
    start_s INTEGER NOT NULL,
    end_s   INTEGER NOT NULL,
    spool   TEXT    NOT NULL,
    draft   BLOB    NOT NULL,
    seq     INTEGER NOT NULL,
    entry   BLOB    NOT NULL,
    PRIMARY KEY (zone, dataset, start_s, end_s)
) STRICT, WITHOUT ROWID;

CREATE TABLE heads (
    zone        TEXT    NOT NULL,
    dataset     TEXT    NOT NULL,
    size        INTEGER NOT NULL CHECK (size >= 0),
    last_hash   BLOB    NOT NULL CHECK (length(last_hash) = 32),
    checkpoint  BLOB    NOT NULL,
    fields_seq  INTEGER NOT NULL,
    fields_hash BLOB    NOT NULL CHECK (length(fields_hash) = 32),
    PRIMARY KEY (zone, dataset)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE heads;
DROP TABLE pending;
DROP TABLE windows;
DROP TABLE zones;
