INSERT INTO executions (id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, deadline, finished_at, retention)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;
