-- title: Status classes by hour
-- description: Requests an hour by the class of their status: the onset of
-- errors, and hours that are missing.
SELECT by_hour(EdgeStartTimestamp)                               AS hour,
       count(*)                                                  AS requests,
       count(*) FILTER (EdgeResponseStatus BETWEEN 200 AND 299)  AS s2xx,
       count(*) FILTER (EdgeResponseStatus BETWEEN 300 AND 399)  AS s3xx,
       count(*) FILTER (EdgeResponseStatus BETWEEN 400 AND 499)  AS s4xx,
       count(*) FILTER (EdgeResponseStatus BETWEEN 500 AND 599)  AS s5xx
FROM logs
GROUP BY hour
ORDER BY hour NULLS LAST
