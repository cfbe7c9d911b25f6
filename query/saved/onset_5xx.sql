-- title: When errors of the server began
-- severity: medium
-- description: For each host and path, the first minute in which its share of
-- 5xx answers reached a limit, with what came before and after it: what was changed just then is
-- the cause to look at first. A path that always failed has no share before it.
-- param min_errors = 5: how many 5xx in a minute make an onset
-- param min_share = 0.2: which share of the minute's requests they are at least, 0 to 1
WITH minutes AS (
  SELECT ClientRequestHost, ClientRequestPath,
         by_minute(EdgeStartTimestamp)                                AS minute,
         count(*)                                                     AS requests,
         count(*) FILTER (EdgeResponseStatus BETWEEN 500 AND 599)     AS errors
  FROM logs
  WHERE EdgeStartTimestamp IS NOT NULL
  GROUP BY ALL
), onsets AS (
  SELECT ClientRequestHost, ClientRequestPath, min(minute) AS onset
  FROM minutes
  WHERE errors >= CAST($min_errors AS BIGINT) AND errors >= CAST($min_share AS DOUBLE) * requests
  GROUP BY ALL
)
SELECT o.onset, o.ClientRequestHost, o.ClientRequestPath,
       sum(m.errors) FILTER (m.minute >= o.onset)                                         AS errors_since,
       sum(m.requests) FILTER (m.minute >= o.onset)                                       AS requests_since,
       round(sum(m.errors) FILTER (m.minute < o.onset)
             / sum(m.requests) FILTER (m.minute < o.onset), 4)                            AS share_before,
       max(m.minute) FILTER (m.errors > 0)                                                AS last_errors
FROM onsets o
JOIN minutes m ON m.ClientRequestHost IS NOT DISTINCT FROM o.ClientRequestHost
              AND m.ClientRequestPath IS NOT DISTINCT FROM o.ClientRequestPath
GROUP BY ALL
ORDER BY o.onset, errors_since DESC, o.ClientRequestPath
LIMIT 100
