-- title: Who scans for what is not there
-- severity: medium
-- description: Clients whose requests were mostly refused (404, 403, 401 and
-- other 4xx) over many different paths: a scanner's trace.
-- param min_refused = 50: how many refused requests make a scanner
SELECT ClientIP,
       count(*)                                                        AS requests,
       count(*) FILTER (EdgeResponseStatus BETWEEN 400 AND 499)        AS refused,
       count(DISTINCT ClientRequestPath)                               AS paths,
       any_value(ClientRequestUserAgent)                               AS a_user_agent,
       min(EdgeStartTimestamp)                                         AS first_seen,
       max(EdgeStartTimestamp)                                         AS last_seen
FROM logs
GROUP BY ClientIP
HAVING refused >= CAST($min_refused AS BIGINT) AND refused * 2 > requests AND paths >= 10
ORDER BY refused DESC, ClientIP
LIMIT 50
