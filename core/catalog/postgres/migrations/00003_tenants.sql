-- Who may use the REST API, what belongs to whom, and what was done through it.
-- Times are Unix milliseconds (0: none). A zone without an owner is the
-- operator's, as all are that there were before.

-- +goose Up
CREATE TABLE customers (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    name       text   NOT NULL,
    sources    text   NOT NULL,
    created_ms bigint NOT NULL
);

INSERT INTO customers (id, name, sources, created_ms) VALUES ('operator', 'operator', '', 0);

CREATE TABLE api_keys (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    customer   text COLLATE "C" NOT NULL REFERENCES customers (id),
    name       text   NOT NULL,
    role       text   NOT NULL CHECK (role IN ('admin', 'operator', 'analyst', 'auditor')),
    prefix     text COLLATE "C" NOT NULL UNIQUE,
    hash       bytea  NOT NULL,
    created_ms bigint NOT NULL,
    expires_ms bigint NOT NULL,
    revoked_ms bigint NOT NULL,
    used_ms    bigint NOT NULL
);

CREATE INDEX api_keys_by_customer ON api_keys (customer, created_ms, id);

CREATE TABLE zone_owners (
    zone     text COLLATE "C" NOT NULL PRIMARY KEY,
    customer text COLLATE "C" NOT NULL REFERENCES customers (id)
);

CREATE INDEX zone_owners_by_customer ON zone_owners (customer, zone);

CREATE TABLE audit_events (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms      bigint NOT NULL,
    customer   text COLLATE "C" NOT NULL,
    api_key    text   NOT NULL,
    action     text   NOT NULL,
    subject    text   NOT NULL,
    outcome    text   NOT NULL,
    request_id text   NOT NULL,
    address    text   NOT NULL
);

CREATE INDEX audit_events_by_customer ON audit_events (customer, seq);

-- +goose Down
DROP TABLE audit_events;
DROP TABLE zone_owners;
DROP TABLE api_keys;
DROP TABLE customers;
