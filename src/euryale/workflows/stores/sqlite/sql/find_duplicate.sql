SELECT id FROM executions
WHERE queue = ? AND dedup_key = ? AND dedup_key <> '' AND slot <> 'waived'
    AND status IN ('pending', 'running', 'waiting', 'compensating')
ORDER BY created_at, id LIMIT 1;
