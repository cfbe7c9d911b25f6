-- title: SQL injection that was answered
-- severity: critical
-- description: Requests whose URI carries SQL, by text or by Cloudflare's own
-- attack score (1 to 20 is an attack), and that the origin answered with success.
SELECT EdgeStartTimestamp, ClientIP, ClientRequestMethod, EdgeResponseStatus,
       EdgeResponseBytes, WAFSQLiAttackScore, SecurityAction, RayID, ClientRequestURI
FROM logs
WHERE EdgeResponseStatus BETWEEN 200 AND 299
  AND (WAFSQLiAttackScore BETWEEN 1 AND 20
       OR regexp_matches(replace(url_decode(ClientRequestURI), '+', ' '),
            '(?i)(\bunion\b[\s/*]+(all[\s/*]+)?select\b|\bor\b\s+[''"]?\d+[''"]?\s*=\s*[''"]?\d|\binformation_schema\b|\b(sleep|benchmark|pg_sleep)\s*\(|;\s*(drop|insert|update|delete)\b)'))
ORDER BY EdgeStartTimestamp, RayID
LIMIT 1000
