UPDATE executions
SET status = ?2, reason = ?3, output = ?4, error = ?5, finished_at = ?6, partial = ?7,
    owner = CASE WHEN ?2 IN ('succeeded', 'reverted', 'failed') THEN '' ELSE owner END
WHERE id = ?1;
