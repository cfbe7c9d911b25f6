-- TouchTables fails unless every table is there.

-- name: TouchTables :one
SELECT EXISTS (SELECT 1 FROM zones) + EXISTS (SELECT 1 FROM windows)
     + EXISTS (SELECT 1 FROM pending) + EXISTS (SELECT 1 FROM heads) AS filled;
