UPDATE executions
SET owner = :owner, epoch = epoch + 1, started_at = coalesce(started_at, :now),
    status = CASE status WHEN 'pending' THEN 'running' ELSE status END
WHERE id IN (
    SELECT id FROM executions
    WHERE owner = '' AND available_at IS NOT NULL AND stranded = ''
        AND slot <> 'waiting' AND (slot <> 'held' OR queue NOT IN (SELECT value FROM json_each(:apart)))
        AND status IN ('pending', 'running', 'waiting', 'compensating')
        AND available_at <= :now AND plan_hash IN (SELECT value FROM json_each(:plans))
    ORDER BY priority DESC, available_at, created_at
    LIMIT :limit
)
RETURNING id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
    started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key;
