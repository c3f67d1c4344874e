SELECT execution_id, kind, step, payload, at, failed FROM messages WHERE execution_id = ?;
