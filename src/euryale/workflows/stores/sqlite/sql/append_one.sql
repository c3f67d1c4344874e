INSERT INTO entries (execution_id, seq, kind, at, step, attempt, started, due, payload, undo, message)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM executions WHERE id = ?1 AND epoch = ?12
ON CONFLICT (execution_id, seq) DO NOTHING;
