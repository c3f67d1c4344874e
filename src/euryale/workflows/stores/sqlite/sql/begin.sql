UPDATE executions
SET owner = :owner, epoch = epoch + 1, started_at = coalesce(started_at, :now), slot = 'held',
    status = CASE status WHEN 'pending' THEN 'running' ELSE status END
WHERE id = :id
RETURNING id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
    started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key;
