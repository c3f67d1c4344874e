SELECT id, messages FROM executions
WHERE owner = ? AND owner <> '' AND status IN ('pending', 'running', 'waiting', 'compensating');
