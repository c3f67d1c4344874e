SELECT count(*), coalesce(sum(owner = :owner), 0) FROM executions
WHERE queue = :queue AND slot = 'held' AND status IN ('pending', 'running', 'waiting', 'compensating');
