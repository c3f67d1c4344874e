INSERT INTO executions (id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
    started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;
