-- title: Where the bytes went
-- description: Clients by the bytes they were sent, with their largest single
-- answer: data that leaves shows here.
SELECT ClientIP,
       sum(EdgeResponseBytes)                      AS bytes_out,
       max(EdgeResponseBytes)                      AS largest,
       count(*)                                    AS requests,
       arg_max(ClientRequestPath, EdgeResponseBytes) AS path_of_largest,
       any_value(ClientCountry)                    AS country,
       min(EdgeStartTimestamp)                     AS first_seen,
       max(EdgeStartTimestamp)                     AS last_seen
FROM logs
GROUP BY ClientIP
ORDER BY bytes_out DESC NULLS LAST, ClientIP
LIMIT 20
