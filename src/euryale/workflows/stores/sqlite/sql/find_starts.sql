SELECT started_at FROM executions
WHERE queue = :queue AND slot = 'held' AND started_at BETWEEN :since AND :until
ORDER BY started_at DESC LIMIT :limit;
