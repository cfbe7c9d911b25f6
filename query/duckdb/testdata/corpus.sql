-- Each question is answered over the view logs and over DuckDB's own reading of the
-- same lines, and must have the same answer. An order must be total.
-- @ count
SELECT count(*), count(ClientIP), count(DISTINCT ClientIP) FROM logs;
-- @ top_clients
SELECT ClientIP, count(*) AS n FROM logs GROUP BY 1 ORDER BY n DESC, 1 NULLS LAST LIMIT 10;
-- @ status
SELECT EdgeResponseStatus, count(*), sum(EdgeResponseBytes) FROM logs GROUP BY 1 ORDER BY 1 NULLS FIRST;
-- @ filter_aggregate
SELECT ClientRequestHost, count(*) FILTER (EdgeResponseStatus >= 500) AS errors, round(avg(EdgeTimeToFirstByteMs), 6) FROM logs GROUP BY 1 ORDER BY 1 NULLS LAST;
-- @ having
SELECT ClientRequestPath, count(*) AS n FROM logs GROUP BY 1 HAVING n > 5 ORDER BY n DESC, 1;
-- @ rollup
SELECT ClientRequestMethod, EdgeResponseStatus, count(*) FROM logs GROUP BY ROLLUP (1, 2) ORDER BY 1 NULLS LAST, 2 NULLS LAST;
-- @ grouping_sets
SELECT ClientCountry, CacheCacheStatus, count(*), grouping(ClientCountry) AS g FROM logs GROUP BY GROUPING SETS ((ClientCountry), (CacheCacheStatus), ()) ORDER BY ALL;
-- @ cube
SELECT ClientRequestMethod, CacheCacheStatus, max(EdgeResponseBytes) FROM logs GROUP BY CUBE (1, 2) ORDER BY ALL;
-- @ minute
SELECT date_trunc('minute', EdgeStartTimestamp) AS m, count(*) FROM logs GROUP BY m ORDER BY m;
-- @ time_bucket
SELECT time_bucket(INTERVAL '90 seconds', EdgeStartTimestamp) AS b, count(*) FROM logs GROUP BY b ORDER BY b;
-- @ nanoseconds
SELECT epoch_ns(EdgeStartTimestamp), epoch_ns(EdgeEndTimestamp) FROM logs ORDER BY 1, 2 LIMIT 50;
-- @ nanosecond_text
SELECT strftime(EdgeStartTimestamp, '%Y-%m-%dT%H:%M:%S.%n'), RayID FROM logs ORDER BY 1, 2 LIMIT 50;
-- @ duration
SELECT RayID, epoch_ns(EdgeEndTimestamp) - epoch_ns(EdgeStartTimestamp) AS ns FROM logs ORDER BY ns DESC, RayID LIMIT 20;
-- @ time_range
SELECT count(*), min(EdgeStartTimestamp), max(EdgeStartTimestamp) FROM logs WHERE EdgeStartTimestamp >= TIMESTAMP '2026-01-01 12:05:00' AND EdgeStartTimestamp < TIMESTAMP '2026-01-01 12:10:00';
-- @ one_ray
SELECT RayID, ClientIP, ClientRequestURI FROM logs WHERE RayID = '00000000000002a7';
-- @ row_number
SELECT * FROM (SELECT ClientIP, RayID, row_number() OVER (PARTITION BY ClientIP ORDER BY EdgeStartTimestamp, RayID) AS k FROM logs) WHERE k <= 2 ORDER BY 1 NULLS LAST, 3;
-- @ lag
SELECT RayID, epoch_ns(EdgeStartTimestamp) - lag(epoch_ns(EdgeStartTimestamp)) OVER (ORDER BY EdgeStartTimestamp, RayID) AS gap FROM logs ORDER BY gap DESC NULLS LAST, RayID LIMIT 10;
-- @ running_sum
SELECT RayID, sum(EdgeResponseBytes) OVER (ORDER BY EdgeStartTimestamp, RayID ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS s FROM logs ORDER BY RayID LIMIT 40;
-- @ range_window
SELECT RayID, count(*) OVER (PARTITION BY ClientIP ORDER BY EdgeStartTimestamp RANGE BETWEEN INTERVAL '10 seconds' PRECEDING AND CURRENT ROW) AS burst FROM logs ORDER BY burst DESC, RayID LIMIT 20;
-- @ rank
SELECT ClientRequestPath, n, dense_rank() OVER (ORDER BY n DESC) AS r FROM (SELECT ClientRequestPath, count(*) AS n FROM logs GROUP BY 1) ORDER BY r, 1 LIMIT 20;
-- @ ntile
SELECT q, count(*), min(EdgeResponseBytes), max(EdgeResponseBytes) FROM (SELECT EdgeResponseBytes, ntile(4) OVER (ORDER BY EdgeResponseBytes NULLS LAST, RayID) AS q FROM logs) GROUP BY q ORDER BY q;
-- @ first_last_value
SELECT DISTINCT ClientIP, first_value(RayID) OVER w AS a, last_value(RayID) OVER w AS b FROM logs WINDOW w AS (PARTITION BY ClientIP ORDER BY EdgeStartTimestamp, RayID ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) ORDER BY 1 NULLS LAST;
-- @ self_join
SELECT count(*) FROM logs a JOIN logs b ON a.ParentRayID = b.RayID;
-- @ left_join
SELECT a.RayID, b.ClientIP FROM logs a LEFT JOIN logs b ON a.ParentRayID = b.RayID WHERE a.ParentRayID <> '' AND a.ParentRayID IS NOT NULL ORDER BY 1 LIMIT 30;
-- @ semi_join
SELECT count(*) FROM logs WHERE ClientIP IN (SELECT ClientIP FROM logs WHERE EdgeResponseStatus = 403);
-- @ anti_join
SELECT count(*) FROM logs a WHERE NOT EXISTS (SELECT 1 FROM logs b WHERE b.ClientIP = a.ClientIP AND b.EdgeResponseStatus >= 500);
-- @ asof_join
SELECT a.RayID, b.RayID FROM (SELECT * FROM logs WHERE EdgeResponseStatus = 500) a ASOF JOIN (SELECT DISTINCT ON (EdgeStartTimestamp) EdgeStartTimestamp, RayID FROM logs WHERE EdgeResponseStatus = 200 ORDER BY EdgeStartTimestamp, RayID) b ON a.EdgeStartTimestamp >= b.EdgeStartTimestamp ORDER BY 1 LIMIT 20;
-- @ cross_values
SELECT s.class, count(*) FROM logs JOIN (VALUES (200, 299, 'ok'), (400, 499, 'refused'), (500, 599, 'failed')) s(low, high, class) ON EdgeResponseStatus BETWEEN low AND high GROUP BY 1 ORDER BY 1;
-- @ recursive
WITH RECURSIVE r(ray, depth) AS (SELECT RayID, 0 FROM logs WHERE ParentRayID IS NULL UNION ALL SELECT l.RayID, depth + 1 FROM logs l JOIN r ON l.ParentRayID = r.ray WHERE depth < 5) SELECT depth, count(*) FROM r GROUP BY 1 ORDER BY 1;
-- @ regexp
SELECT ClientRequestURI FROM logs WHERE regexp_matches(ClientRequestURI, '(?i)union[^a-z]+select') ORDER BY RayID;
-- @ regexp_extract
SELECT regexp_extract(ClientRequestURI, '[?&]q=([^&]*)', 1) AS q, count(*) FROM logs GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20;
-- @ like
SELECT count(*) FROM logs WHERE ClientRequestUserAgent LIKE '%bot%' OR ClientRequestUserAgent ILIKE 'CURL/%';
-- @ unicode
SELECT ClientRequestPath, length(ClientRequestPath), strlen(ClientRequestPath), upper(ClientRequestPath) FROM logs WHERE regexp_matches(ClientRequestPath, '[^\x00-\x7f]') ORDER BY RayID LIMIT 30;
-- @ unicode_group
SELECT ClientCity, count(*) FROM logs GROUP BY 1 ORDER BY 1 NULLS LAST;
-- @ escapes
SELECT ClientRequestReferer, md5(ClientRequestReferer) FROM logs WHERE ClientRequestReferer <> '' GROUP BY 1 ORDER BY 1;
-- @ huge_values
SELECT RayID, length(ClientRequestURI) AS n, md5(ClientRequestURI) FROM logs ORDER BY n DESC, RayID LIMIT 5;
-- @ nulls
SELECT count(*) FILTER (ClientRequestReferer IS NULL), count(*) FILTER (ClientRequestReferer = ''), count(*) FILTER (ClientRequestReferer <> ''), count(*) FROM logs;
-- @ null_logic
SELECT EdgeResponseStatus > 399 OR WAFAttackScore < 20 AS x, count(*) FROM logs GROUP BY 1 ORDER BY 1 NULLS FIRST;
-- @ coalesce
SELECT coalesce(ClientCountry, 'none') AS c, sum(coalesce(WAFAttackScore, 0)) FROM logs GROUP BY 1 ORDER BY 1;
-- @ json_path
SELECT json_extract_string(Cookies, '$.session') AS s, count(*) FROM logs GROUP BY 1 ORDER BY 2 DESC, 1 NULLS LAST LIMIT 10;
-- @ json_keys
SELECT k, count(*) FROM (SELECT unnest(json_keys(RequestHeaders)) AS k FROM logs WHERE RequestHeaders IS NOT NULL) GROUP BY 1 ORDER BY 1;
-- @ json_arrow
SELECT RequestHeaders->>'x-forwarded-for' AS f, count(*) FROM logs GROUP BY 1 ORDER BY 2 DESC, 1 NULLS LAST LIMIT 10;
-- @ json_nested
SELECT json_extract_string(Cookies, '$.deep.er[1]') AS d, count(*) FROM logs GROUP BY 1 ORDER BY 1 NULLS LAST;
-- @ lists
SELECT tag, count(*) FROM (SELECT unnest(BotTags) AS tag FROM logs) GROUP BY 1 ORDER BY 1 NULLS LAST;
-- @ list_functions
SELECT len(BotTags), list_contains(BotTags, 'api'), list_sum(BotDetectionIDs), count(*) FROM logs GROUP BY 1, 2, 3 ORDER BY ALL;
-- @ big_ints
SELECT max(EdgeResponseBytes), min(EdgeResponseBytes), sum(CAST(EdgeResponseBytes AS HUGEINT)), bit_xor(EdgeResponseBytes) FROM logs;
-- @ floats
SELECT EdgeResponseCompressionRatio, count(*) FROM logs GROUP BY 1 ORDER BY 1 NULLS FIRST;
-- @ booleans
SELECT CacheReserveUsed, bool_and(CacheTieredFill), count(*) FROM logs GROUP BY 1 ORDER BY 1 NULLS LAST;
-- @ quantiles
SELECT quantile_disc(EdgeTimeToFirstByteMs, [0.5, 0.9, 0.99]), mode(EdgeResponseStatus) FROM logs;
-- @ arg_max
SELECT ClientIP, max(EdgeResponseBytes), arg_max(RayID, (EdgeResponseBytes, RayID)) FROM logs WHERE EdgeResponseBytes IS NOT NULL GROUP BY 1 ORDER BY 1 NULLS LAST;
-- @ string_agg
SELECT ClientIP, string_agg(DISTINCT ClientRequestMethod, ',' ORDER BY ClientRequestMethod) FROM logs GROUP BY 1 ORDER BY 1 NULLS LAST;
-- @ pivot
SELECT * FROM (PIVOT (SELECT ClientRequestMethod, EdgeResponseStatus // 100 AS class FROM logs) ON class USING count(*) GROUP BY ClientRequestMethod) ORDER BY 1;
-- @ union_except
(SELECT ClientIP FROM logs WHERE EdgeResponseStatus = 200 EXCEPT SELECT ClientIP FROM logs WHERE EdgeResponseStatus = 404) ORDER BY 1;
-- @ case_window_sessions
SELECT ClientIP, count(*) FROM (SELECT ClientIP, sum(CASE WHEN gap > 30000000000 OR gap IS NULL THEN 1 ELSE 0 END) OVER (PARTITION BY ClientIP ORDER BY EdgeStartTimestamp, RayID) AS session FROM (SELECT ClientIP, EdgeStartTimestamp, RayID, epoch_ns(EdgeStartTimestamp) - lag(epoch_ns(EdgeStartTimestamp)) OVER (PARTITION BY ClientIP ORDER BY EdgeStartTimestamp, RayID) AS gap FROM logs)) GROUP BY ClientIP, session HAVING count(*) > 3 ORDER BY ALL;
-- @ qualify
SELECT ClientIP, RayID FROM logs QUALIFY count(*) OVER (PARTITION BY ClientIP) < 4 ORDER BY ALL;
-- @ sample_hash
SELECT RayID FROM logs WHERE hash(RayID) % 97 = 3 ORDER BY 1;
-- @ unlisted_field
SELECT SomethingNew, count(*) FROM logs GROUP BY 1 ORDER BY CAST(SomethingNew AS VARCHAR) NULLS LAST;
