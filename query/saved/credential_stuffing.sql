-- title: Who tries passwords
-- severity: high
-- description: Clients with many POST requests to a login path that were
-- refused, and how many then got in: each of those is an account to look at.
-- param path = %login%: a LIKE pattern for the login path
-- param min_failures = 20: how many refusals make an attack
SELECT ClientIP,
       count(*) FILTER (EdgeResponseStatus IN (400, 401, 403, 422, 429)) AS failures,
       count(*) FILTER (EdgeResponseStatus BETWEEN 200 AND 399)          AS successes,
       count(DISTINCT ClientRequestUserAgent)                            AS user_agents,
       any_value(ClientCountry)                                          AS country,
       any_value(ClientASN)                                              AS asn,
       min(EdgeStartTimestamp)                                           AS first_seen,
       max(EdgeStartTimestamp)                                           AS last_seen
FROM logs
WHERE ClientRequestMethod = 'POST' AND ClientRequestPath ILIKE $path
GROUP BY ClientIP
HAVING failures >= CAST($min_failures AS BIGINT)
ORDER BY successes DESC, failures DESC, ClientIP
LIMIT 50
