INSERT INTO events (id, root_id, execution_id, name, payload, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;
