-- title: What one client did
-- description: The requests of an address or network in their order, parted into
-- sessions at each pause, with the seconds since the request before.
-- param ip: an address or a network, such as 192.0.2.7 or 2001:db8::/64
-- param pause = 1800: how many seconds without a request end a session
WITH mine AS (
  SELECT *, date_diff('millisecond', lag(EdgeStartTimestamp) OVER (PARTITION BY ClientIP ORDER BY EdgeStartTimestamp, RayID)::TIMESTAMP,
                      EdgeStartTimestamp::TIMESTAMP) / 1000.0 AS since_last
  FROM logs
  WHERE ip_in(ClientIP, $ip)
)
SELECT ClientIP,
       1 + count(*) FILTER (since_last > CAST($pause AS DOUBLE)) OVER (PARTITION BY ClientIP ORDER BY EdgeStartTimestamp, RayID
                                                                       ROWS UNBOUNDED PRECEDING) AS session,
       EdgeStartTimestamp, since_last, ClientRequestMethod, ClientRequestHost, ClientRequestURI,
       EdgeResponseStatus, EdgeResponseBytes, ClientRequestReferer, ClientRequestUserAgent, SecurityAction, RayID
FROM mine
ORDER BY ClientIP, EdgeStartTimestamp, RayID
LIMIT 10000
