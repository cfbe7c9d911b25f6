-- What a collector that runs by itself has to know. Times as before; those of
-- budgets are Unix microseconds.

-- +goose Up
ALTER TABLE zones ADD COLUMN schedule TEXT NOT NULL DEFAULT '';
ALTER TABLE zones ADD COLUMN from_ms INTEGER NOT NULL DEFAULT 0;

ALTER TABLE windows ADD COLUMN object TEXT NOT NULL DEFAULT 'kept' CHECK (
    object = 'kept' OR object IN ('expiring', 'removed') AND state = 'sealed' AND bytes > 0);

-- The open windows' index answers alone what is due and what is behind.
DROP INDEX windows_open;
CREATE INDEX windows_open ON windows (zone, dataset, start_s, end_s, state, next_ms) WHERE seq = -1;

-- Of windows whose objects are removed none is in these: however many lie
-- before those that are asked for, they are not passed on the way.
CREATE INDEX windows_by_seq ON windows (zone, dataset, seq)
    WHERE state = 'sealed' AND bytes > 0 AND object <> 'removed';
CREATE INDEX windows_kept ON windows (zone, dataset, end_s)
    WHERE state = 'sealed' AND bytes > 0 AND object = 'kept';
CREATE INDEX windows_expiring ON windows (zone, dataset, start_s) WHERE object = 'expiring';

CREATE TABLE standings (
    zone          TEXT    NOT NULL,
    dataset       TEXT    NOT NULL,
    not_before_ms INTEGER NOT NULL,
    blocked       TEXT    NOT NULL,
    detail        TEXT    NOT NULL,
    since_ms      INTEGER NOT NULL,
    probed_ms     INTEGER NOT NULL,
    PRIMARY KEY (zone, dataset)
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
    zone    TEXT    NOT NULL,
    dataset TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    start_s INTEGER NOT NULL,
    end_s   INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    seq     INTEGER NOT NULL CHECK (seq >= 0),
    PRIMARY KEY (zone, dataset, id),
    CHECK (start_s < end_s)
) STRICT, WITHOUT ROWID;

CREATE TABLE observed (
    zone    TEXT    NOT NULL,
    dataset TEXT    NOT NULL,
    topic   TEXT    NOT NULL,
    seq     INTEGER NOT NULL CHECK (seq >= 0),
    hash    BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (zone, dataset, topic)
) STRICT, WITHOUT ROWID;

CREATE TABLE budgets (
    key      TEXT    NOT NULL PRIMARY KEY,
    whole_us INTEGER NOT NULL,
    shut_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notes (
    key   TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE missed (
    store    TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (store, key)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE missed;
DROP TABLE notes;
DROP TABLE budgets;
DROP TABLE observed;
DROP TABLE holds;
DROP TABLE standings;
DROP INDEX windows_expiring;
DROP INDEX windows_kept;
DROP INDEX windows_by_seq;
DROP INDEX windows_open;
ALTER TABLE windows DROP COLUMN object;
CREATE INDEX windows_open ON windows (zone, dataset, start_s) WHERE seq = -1;
ALTER TABLE zones DROP COLUMN from_ms;
ALTER TABLE zones DROP COLUMN schedule;
