INSERT INTO messages (execution_id, kind, step, payload, at, failed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (execution_id, kind, step) DO NOTHING;
