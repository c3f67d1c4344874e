UPDATE executions SET owner = ?2, epoch = epoch + 1 WHERE id = ?1
RETURNING id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, deadline, finished_at, retention;
