-- title: The busiest clients
-- description: Clients by their number of requests.
-- param top = 20: how many clients
SELECT ClientIP,
       count(*)                               AS requests,
       count(DISTINCT ClientRequestPath)      AS paths,
       sum(EdgeResponseBytes)                 AS bytes_out,
       any_value(ClientCountry)               AS country,
       any_value(ClientRequestUserAgent)      AS a_user_agent
FROM logs
GROUP BY ClientIP
ORDER BY requests DESC, ClientIP
LIMIT CAST($top AS BIGINT)
