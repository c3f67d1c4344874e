-- What `append` does, for one entry. Whose epoch it is, is the owner's: nobody else had the execution under that one.
INSERT INTO entries (execution_id, seq, kind, at, step, attempt, started, due, payload, undo, message)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
FROM executions AS e CROSS JOIN LATERAL (SELECT owner FROM workers WHERE owner = e.owner FOR KEY SHARE) AS living
WHERE e.id = $1 AND e.epoch = $12
ON CONFLICT (execution_id, seq) DO NOTHING
RETURNING seq;
