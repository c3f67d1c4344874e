SELECT available_at FROM executions
WHERE owner = '' AND available_at IS NOT NULL AND stranded = ''
    AND slot <> 'waiting' AND (slot <> 'held' OR queue NOT IN (SELECT value FROM json_each(:apart)))
    AND status IN ('pending', 'running', 'waiting', 'compensating')
    AND plan_hash IN (SELECT value FROM json_each(:plans))
ORDER BY available_at LIMIT 1;
