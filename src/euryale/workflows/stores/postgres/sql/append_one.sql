-- What `append` does, for one entry and one worker.
INSERT INTO entries (execution_id, seq, kind, at, step, attempt, started, due, payload, undo, message)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
FROM (SELECT owner FROM workers WHERE owner = $13 FOR KEY SHARE) AS living
JOIN executions AS e ON e.owner = living.owner
WHERE e.id = $1 AND e.epoch = $12
ON CONFLICT (execution_id, seq) DO NOTHING
RETURNING seq;
