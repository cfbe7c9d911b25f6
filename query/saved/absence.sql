-- title: Whether an address made no request
-- description: How many requests of an address or network the range holds, how many
-- windows of the archive stand behind that number, and which of them are incomplete: there, silence proves nothing. A record
-- without a readable address could be anybody's, and is counted.
-- param ip: an address or a network, such as 192.0.2.7 or 2001:db8::/64
WITH found AS (
  SELECT count(*) FILTER (ip_in(ClientIP, $ip))                         AS requests,
         min(EdgeStartTimestamp) FILTER (ip_in(ClientIP, $ip))          AS first_seen,
         max(EdgeStartTimestamp) FILTER (ip_in(ClientIP, $ip))          AS last_seen,
         count(*) FILTER (ip_family(ClientIP) IS NULL)                  AS without_address,
         count(*)                                                       AS records
  FROM logs
), behind AS (
  SELECT count(*) FILTER (state <> 'missing')                           AS windows,
         count(*) FILTER (state NOT IN ('collected', 'empty'))          AS incomplete_windows,
         min("start")                                                   AS windows_from,
         max("end")                                                     AS windows_to,
         list({'zone': zone, 'start': "start", 'end': "end", 'state': state, 'reason': reason} ORDER BY "start", zone)
           FILTER (state NOT IN ('collected', 'empty'))                 AS incomplete
  FROM windows
)
SELECT $ip AS ip, requests, first_seen, last_seen,
       CASE WHEN requests > 0 THEN 'present'
            WHEN windows = 0 THEN 'not proven: no window stands behind it'
            WHEN incomplete_windows > 0 THEN 'not proven: windows are incomplete'
            WHEN without_address > 0 THEN 'not proven: records without an address'
            ELSE 'no request in what was collected' END                 AS finding,
       windows, incomplete_windows, windows_from, windows_to, records, without_address, incomplete
FROM found, behind
