UPDATE executions SET owner = ?1, epoch = epoch + 1
WHERE status IN ('pending', 'running', 'waiting', 'compensating') AND owner <> ?1
RETURNING id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, deadline, finished_at, retention;
