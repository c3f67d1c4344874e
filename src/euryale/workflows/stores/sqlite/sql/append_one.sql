INSERT INTO entries (execution_id, seq, kind, at, step, attempt, started, due, payload, undo, message, worker)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
FROM executions WHERE id = ?1 AND epoch = ?13
ON CONFLICT (execution_id, seq) DO NOTHING;
