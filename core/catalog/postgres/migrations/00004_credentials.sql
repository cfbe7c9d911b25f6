-- What customers collect with where the config has nothing for them: their own
-- tokens, encrypted (age) by who runs the collector. Times are Unix milliseconds.

-- +goose Up
CREATE TABLE credentials (
    customer   text COLLATE "C" NOT NULL REFERENCES customers (id),
    name       text COLLATE "C" NOT NULL,
    plugin     text   NOT NULL,
    sealed     bytea  NOT NULL,
    recipient  text   NOT NULL,
    created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL,
    PRIMARY KEY (customer, name)
);

-- +goose Down
DROP TABLE credentials;
