-- What customers collect with where the config has nothing for them: their own
-- tokens, encrypted (age) by who runs the collector. Times are Unix milliseconds.

-- +goose Up
CREATE TABLE credentials (
    customer   TEXT    NOT NULL REFERENCES customers (id),
    name       TEXT    NOT NULL,
    plugin     TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    recipient  TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (customer, name)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE credentials;
