SELECT id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
    started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key
FROM executions WHERE owner = $1 AND owner <> '' AND claim = $2
ORDER BY priority DESC, available_at, created_at;
