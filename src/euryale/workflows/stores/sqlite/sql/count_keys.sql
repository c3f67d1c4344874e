SELECT queue_key, count(*) FROM executions
WHERE queue = :queue AND slot = 'held' AND status IN ('pending', 'running', 'waiting', 'compensating')
GROUP BY queue_key;
