-- title: What got past the firewall
-- severity: high
-- description: Clients that the firewall stopped, and whose requests to the same
-- host then passed although they are scored as an attack (1 to 20) or go to a path at which that client
-- had been stopped: a bypass found by trying.
-- param max_score = 20: the highest WAF attack score that is an attack
WITH marked AS (
  SELECT *, coalesce(lower(SecurityAction) IN ('block', 'drop', 'challenge', 'jschallenge', 'managed_challenge', 'managedchallenge',
                                               'connectionclose', 'link_maze_injected'), false) AS stopped
  FROM logs
), stops AS (
  SELECT ClientIP, ClientRequestHost, min(EdgeStartTimestamp) AS first_stop, count(*) AS stops,
         list(DISTINCT ClientRequestPath) AS paths
  FROM marked
  WHERE stopped AND ClientIP IS NOT NULL
  GROUP BY ALL
)
SELECT m.EdgeStartTimestamp, m.ClientIP, m.ClientRequestHost, m.ClientRequestMethod, m.ClientRequestURI,
       m.EdgeResponseStatus, m.EdgeResponseBytes, m.WAFAttackScore, s.stops, s.first_stop, m.RayID
FROM marked m
JOIN stops s ON m.ClientIP = s.ClientIP AND m.ClientRequestHost IS NOT DISTINCT FROM s.ClientRequestHost
WHERE NOT m.stopped
  AND m.EdgeStartTimestamp > s.first_stop
  AND m.EdgeResponseStatus BETWEEN 200 AND 399
  AND (m.WAFAttackScore BETWEEN 1 AND CAST($max_score AS BIGINT) OR list_contains(s.paths, m.ClientRequestPath))
ORDER BY m.EdgeStartTimestamp, m.RayID
LIMIT 1000
