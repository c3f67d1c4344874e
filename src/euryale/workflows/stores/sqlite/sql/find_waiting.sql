SELECT id, queue_key FROM executions
WHERE queue = :queue AND slot = 'waiting' AND stranded = '' AND available_at <= :now
    AND plan_hash IN (SELECT value FROM json_each(:plans))
    AND queue_key NOT IN (SELECT value FROM json_each(:full))
ORDER BY priority DESC, available_at, created_at;
