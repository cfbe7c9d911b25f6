-- name: PutCustomer :execrows
INSERT INTO customers (id, name, sources, created_ms) VALUES (@id, @name, @sources, @created_ms)
ON CONFLICT (id) DO NOTHING;

-- name: Customer :one
SELECT * FROM customers WHERE id = @id;

-- name: ListCustomers :many
SELECT * FROM customers ORDER BY id;

-- name: PutKey :execrows
INSERT INTO api_keys (id, customer, name, role, prefix, hash, created_ms, expires_ms, revoked_ms, used_ms)
VALUES (@id, @customer, @name, @role, @prefix, @hash, @created_ms, @expires_ms, 0, 0)
ON CONFLICT DO NOTHING;

-- name: KeyByPrefix :one
SELECT * FROM api_keys WHERE prefix = @prefix;

-- name: ListKeys :many
SELECT * FROM api_keys WHERE customer = @customer ORDER BY created_ms, id;

-- name: RevokeKey :execrows
UPDATE api_keys SET revoked_ms = CASE WHEN revoked_ms = 0 THEN @at_ms ELSE revoked_ms END
WHERE id = @id AND customer = @customer;

-- name: ExpireKey :execrows
UPDATE api_keys SET expires_ms = CASE WHEN expires_ms = 0 OR expires_ms > @at_ms THEN @at_ms ELSE expires_ms END
WHERE id = @id AND customer = @customer;

-- name: UseKey :exec
UPDATE api_keys SET used_ms = @at_ms WHERE id = @id AND used_ms < @at_ms;

-- name: OwnZone :exec
INSERT INTO zone_owners (zone, customer) VALUES (@zone, @customer)
ON CONFLICT (zone) DO NOTHING;

-- name: ZoneOwner :one
SELECT customer FROM zone_owners WHERE zone = @zone;

-- name: ZonesOf :many
SELECT z.* FROM zone_owners AS o JOIN zones AS z ON z.id = o.zone
WHERE o.customer = @customer ORDER BY z.name, z.id, z.dataset;

-- name: ZonesOfNobody :many
SELECT z.* FROM zones AS z
WHERE NOT EXISTS (SELECT 1 FROM zone_owners AS o WHERE o.zone = z.id)
ORDER BY z.name, z.id, z.dataset;

-- name: AddEvent :one
INSERT INTO audit_events (at_ms, customer, api_key, action, subject, outcome, request_id, address)
VALUES (@at_ms, @customer, @api_key, @action, @subject, @outcome, @request_id, @address)
RETURNING seq;

-- name: EndEvent :execrows
UPDATE audit_events SET subject = @subject, outcome = @outcome, customer = @customer WHERE seq = @seq;

-- name: ListEvents :many
SELECT * FROM audit_events WHERE customer = @customer AND seq < @before ORDER BY seq DESC LIMIT @at_most;

-- name: PutCredential :exec
INSERT INTO credentials (customer, name, plugin, sealed, recipient, created_ms, updated_ms)
VALUES (@customer, @name, @plugin, @sealed, @recipient, @created_ms, @updated_ms)
ON CONFLICT (customer, name) DO UPDATE
SET plugin = excluded.plugin, sealed = excluded.sealed, recipient = excluded.recipient, updated_ms = excluded.updated_ms;

-- name: Credential :one
SELECT * FROM credentials WHERE customer = @customer AND name = @name;

-- name: ListCredentials :many
SELECT * FROM credentials WHERE customer = @customer ORDER BY customer, name;

-- name: ListAllCredentials :many
SELECT * FROM credentials ORDER BY customer, name;

-- name: ResealCredential :execrows
UPDATE credentials SET sealed = @sealed, recipient = @recipient
WHERE customer = @customer AND name = @name AND sealed = @was;

-- name: SourceInUse :one
SELECT EXISTS (SELECT 1 FROM zones WHERE source = @source);

-- name: RemoveCredential :execrows
DELETE FROM credentials WHERE customer = @customer AND name = @name;

-- name: ListOwners :many
SELECT * FROM zone_owners ORDER BY zone;

-- name: RestoreKey :exec
INSERT INTO api_keys (id, customer, name, role, prefix, hash, created_ms, expires_ms, revoked_ms, used_ms)
VALUES (@id, @customer, @name, @role, @prefix, @hash, @created_ms, @expires_ms, @revoked_ms, @used_ms)
ON CONFLICT (id) DO UPDATE
SET expires_ms = excluded.expires_ms, revoked_ms = excluded.revoked_ms, used_ms = excluded.used_ms;
