INSERT INTO entries (execution_id, seq, kind, at, step, attempt, started, due, payload, undo, message, worker)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (execution_id, seq) DO NOTHING;
