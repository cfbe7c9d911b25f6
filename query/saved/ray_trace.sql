-- title: One request and its Workers subrequests
-- description: The request of a RayID, those that its Workers made (ParentRayID) and
-- those that these made in turn, and the requests that it is itself part of, up to the visitor's own.
-- param ray: a RayID, with or without the data centre behind a dash
WITH RECURSIVE all_rays AS MATERIALIZED (
  SELECT lower(RayID) AS ray, nullif(nullif(lower(ParentRayID), '00'), '') AS parent
  FROM logs
  WHERE RayID IS NOT NULL
), wanted AS (
  SELECT lower(split_part(trim($ray), '-', 1)) AS ray
), up(ray, level) AS (
  SELECT ray, 0 FROM wanted
  UNION
  SELECT a.parent, up.level - 1 FROM up JOIN all_rays a ON a.ray = up.ray WHERE a.parent IS NOT NULL AND up.level > -16
), down(ray, level) AS (
  SELECT ray, level FROM up WHERE level = (SELECT min(level) FROM up)
  UNION
  SELECT a.ray, down.level + 1 FROM down JOIN all_rays a ON a.parent = down.ray WHERE down.level < 16
)
SELECT level, l.RayID, l.ParentRayID, l.EdgeStartTimestamp, l.ClientRequestHost, l.ClientRequestMethod, l.ClientRequestURI,
       l.EdgeResponseStatus, l.ClientRequestSource, l.WorkerSubrequest, l.ClientIP
FROM (SELECT ray, min(level) AS level FROM down GROUP BY ray) d
JOIN logs l ON lower(l.RayID) = d.ray
ORDER BY level, l.EdgeStartTimestamp, l.RayID
LIMIT 1000
