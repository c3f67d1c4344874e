SELECT id, messages FROM executions
WHERE owner = $1 AND owner <> '' AND status IN ('pending', 'running', 'waiting', 'compensating');
