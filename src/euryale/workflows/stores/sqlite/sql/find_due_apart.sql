SELECT id, available_at FROM executions
WHERE queue = :queue AND slot = 'held' AND owner = '' AND stranded = ''
    AND status IN ('pending', 'running', 'waiting', 'compensating') AND available_at IS NOT NULL
    AND plan_hash IN (SELECT value FROM json_each(:plans))
ORDER BY priority DESC, available_at, created_at;
