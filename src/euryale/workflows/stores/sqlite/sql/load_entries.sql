SELECT seq, kind, at, step, attempt, started, due, payload, undo, message, worker FROM entries
WHERE execution_id = ? AND seq > ? ORDER BY seq;
