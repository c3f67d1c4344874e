INSERT INTO messages (execution_id, kind, step, payload, at, failed, "key", number) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (execution_id, kind, step, "key") DO NOTHING;
