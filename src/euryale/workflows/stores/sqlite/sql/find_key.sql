SELECT id, slot FROM executions
WHERE queue = ? AND queue_key = ? AND queue_key <> '' AND slot <> 'waived'
    AND status IN ('pending', 'running', 'waiting', 'compensating')
ORDER BY created_at, id;
