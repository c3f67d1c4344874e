SELECT execution_id, kind, step, payload, at, failed, "key", number FROM messages
WHERE execution_id = ? ORDER BY number;
