-- The tables of the SQLite catalog. Window bounds are Unix seconds, other times
-- Unix milliseconds (0: none), those of budgets microseconds. Text sorts by its
-- bytes (COLLATE "C"), whatever the database's language: lists come in the same
-- order everywhere, and rows are locked in it.

-- +goose Up
CREATE TABLE zones (
    id       text COLLATE "C" NOT NULL,
    dataset  text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    added_ms bigint  NOT NULL,
    paused   boolean NOT NULL,
    schedule text    NOT NULL,
    from_ms  bigint  NOT NULL,
    PRIMARY KEY (id, dataset)
);

CREATE INDEX zones_by_name ON zones (name);

CREATE TABLE standings (
    zone          text COLLATE "C" NOT NULL,
    dataset       text COLLATE "C" NOT NULL,
    not_before_ms bigint NOT NULL,
    blocked       text   NOT NULL,
    detail        text   NOT NULL,
    since_ms      bigint NOT NULL,
    probed_ms     bigint NOT NULL,
    PRIMARY KEY (zone, dataset)
);

CREATE TABLE windows (
    zone     text COLLATE "C" NOT NULL,
    dataset  text COLLATE "C" NOT NULL,
    start_s  bigint NOT NULL,
    end_s    bigint NOT NULL,
    state    text COLLATE "C" NOT NULL CHECK (state IN ('planned', 'pulling', 'sealed', 'retrying', 'blocked', 'lost')),
    attempts bigint NOT NULL,
    next_ms  bigint NOT NULL,
    reason   text   NOT NULL,
    detail   text   NOT NULL,
    seq      bigint NOT NULL CHECK (seq >= -1 AND (seq = -1) = (state NOT IN ('sealed', 'lost'))),
    lines    bigint NOT NULL,
    bytes    bigint NOT NULL,
    object   text COLLATE "C" NOT NULL CHECK (
        object = 'kept' OR object IN ('expiring', 'removed') AND state = 'sealed' AND bytes > 0),
    PRIMARY KEY (zone, dataset, start_s),
    CHECK (start_s < end_s)
);

-- Few windows are open at a time, and those are what a collector asks for.
CREATE INDEX windows_open ON windows (zone, dataset, start_s) INCLUDE (end_s, state, next_ms) WHERE seq = -1;

-- Of windows whose objects are removed none is in these: however many lie
-- before those that are asked for, they are not passed on the way.
CREATE INDEX windows_by_seq ON windows (zone, dataset, seq)
    WHERE state = 'sealed' AND bytes > 0 AND object <> 'removed';
CREATE INDEX windows_kept ON windows (zone, dataset, end_s)
    WHERE state = 'sealed' AND bytes > 0 AND object = 'kept';
CREATE INDEX windows_expiring ON windows (zone, dataset, start_s) WHERE object = 'expiring';

CREATE TABLE pending (
    zone    text COLLATE "C" NOT NULL,
    dataset text COLLATE "C" NOT NULL,
    start_s bigint NOT NULL,
    end_s   bigint NOT NULL,
    spool   text   NOT NULL,
    draft   bytea  NOT NULL,
    seq     bigint NOT NULL,
    entry   bytea  NOT NULL,
    PRIMARY KEY (zone, dataset, start_s, end_s)
);

CREATE TABLE heads (
    zone        text COLLATE "C" NOT NULL,
    dataset     text COLLATE "C" NOT NULL,
    size        bigint NOT NULL CHECK (size >= 0),
    last_hash   bytea  NOT NULL CHECK (length(last_hash) = 32),
    checkpoint  bytea  NOT NULL,
    fields_seq  bigint NOT NULL,
    fields_hash bytea  NOT NULL CHECK (length(fields_hash) = 32),
    PRIMARY KEY (zone, dataset)
);

CREATE TABLE holds (
    zone    text COLLATE "C" NOT NULL,
    dataset text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    start_s bigint NOT NULL,
    end_s   bigint NOT NULL,
    reason  text   NOT NULL,
    seq     bigint NOT NULL CHECK (seq >= 0),
    PRIMARY KEY (zone, dataset, id),
    CHECK (start_s < end_s)
);

CREATE TABLE observed (
    zone    text COLLATE "C" NOT NULL,
    dataset text COLLATE "C" NOT NULL,
    topic   text COLLATE "C" NOT NULL,
    seq     bigint NOT NULL CHECK (seq >= 0),
    hash    bytea  NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (zone, dataset, topic)
);

CREATE TABLE budgets (
    key      text COLLATE "C" NOT NULL PRIMARY KEY,
    whole_us bigint NOT NULL,
    shut_us  bigint NOT NULL
);

CREATE TABLE notes (
    key   text COLLATE "C" NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE missed (
    store    text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    since_ms bigint NOT NULL,
    PRIMARY KEY (store, key)
);

-- +goose Down
DROP TABLE missed;
DROP TABLE notes;
DROP TABLE budgets;
DROP TABLE observed;
DROP TABLE holds;
DROP TABLE heads;
DROP TABLE pending;
DROP TABLE windows;
DROP TABLE standings;
DROP TABLE zones;
