-- title: User agents that were not here before
-- severity: low
-- description: User agents first seen since a point in time, against the time
-- before it in the range: a new tool, or an old one under a new name. Without a point, the last quarter of what the range
-- holds is new. Mind the coverage of the time before: what was not collected there looks new.
-- param since = : when new begins, such as 2026-11-23T14:00:00Z
-- param min_requests = 1: how many requests make one worth a row
WITH span AS (
  SELECT coalesce(CAST(nullif(trim($since), '') AS TIMESTAMPTZ)::TIMESTAMP,
                  max(EdgeStartTimestamp)::TIMESTAMP - (max(EdgeStartTimestamp)::TIMESTAMP - min(EdgeStartTimestamp)::TIMESTAMP) / 4) AS since
  FROM logs
)
SELECT ClientRequestUserAgent,
       ua_family(ClientRequestUserAgent)                            AS family,
       count(*)                                                     AS requests,
       count(DISTINCT ClientIP)                                     AS clients,
       count(*) FILTER (EdgeResponseStatus BETWEEN 400 AND 499)     AS refused,
       min(EdgeStartTimestamp)                                      AS first_seen,
       max(EdgeStartTimestamp)                                      AS last_seen,
       arg_min(ClientIP, EdgeStartTimestamp)                        AS first_client,
       any_value(span.since)                                        AS new_since
FROM logs, span
WHERE ClientRequestUserAgent IS NOT NULL
GROUP BY ClientRequestUserAgent
HAVING min(EdgeStartTimestamp)::TIMESTAMP >= any_value(span.since) AND count(*) >= CAST($min_requests AS BIGINT)
ORDER BY requests DESC, clients DESC, ClientRequestUserAgent
LIMIT 100
