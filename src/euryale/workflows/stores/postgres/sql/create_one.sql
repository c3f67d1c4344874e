-- What `write` does, for one execution that belongs to its worker from the beginning.
INSERT INTO executions (id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
    started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, living.owner, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24, $25, $26, $27, $28
FROM (SELECT owner FROM workers WHERE owner = $11 FOR KEY SHARE) AS living
ON CONFLICT (id) DO NOTHING
RETURNING id;
