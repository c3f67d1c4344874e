SELECT seq, kind, at, step, attempt, started, due, payload, undo FROM entries WHERE execution_id = ? ORDER BY seq;
