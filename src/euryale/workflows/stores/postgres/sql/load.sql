SELECT id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
    started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key,
    ARRAY(
        SELECT ROW(seq, kind, at, step, attempt, started, due, payload, undo, message)
        FROM entries WHERE execution_id = executions.id AND seq > $2 ORDER BY seq
    ) AS journaled,
    ARRAY(
        SELECT ROW(execution_id, kind, step, payload, at, failed, key, number)
        FROM messages WHERE execution_id = executions.id ORDER BY number
    ) AS told
FROM executions WHERE id = ANY ($1::text[]);
