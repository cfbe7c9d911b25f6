-- Who may use the REST API, what belongs to whom, and what was done through it.
-- Times are Unix milliseconds (0: none). A zone without an owner is the
-- operator's, as all are that there were before.

-- +goose Up
CREATE TABLE customers (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    sources    TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO customers (id, name, sources, created_ms) VALUES ('operator', 'operator', '', 0);

CREATE TABLE api_keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    customer   TEXT    NOT NULL REFERENCES customers (id),
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL CHECK (role IN ('admin', 'operator', 'analyst', 'auditor')),
    prefix     TEXT    NOT NULL UNIQUE,
    hash       BLOB    NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    revoked_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_customer ON api_keys (customer, created_ms, id);

CREATE TABLE zone_owners (
    zone     TEXT NOT NULL PRIMARY KEY,
    customer TEXT NOT NULL REFERENCES customers (id)
) STRICT, WITHOUT ROWID;

CREATE INDEX zone_owners_by_customer ON zone_owners (customer, zone);

CREATE TABLE audit_events (
    seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    customer   TEXT    NOT NULL,
    api_key    TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    outcome    TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    address    TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_events_by_customer ON audit_events (customer, seq);

-- +goose Down
DROP TABLE audit_events;
DROP TABLE zone_owners;
DROP TABLE api_keys;
DROP TABLE customers;
