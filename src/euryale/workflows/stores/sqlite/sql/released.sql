SELECT id, root_id, execution_id, name, payload, at FROM events WHERE released = 1 ORDER BY number LIMIT ?;
