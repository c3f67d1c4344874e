INSERT INTO schedules (name, cadence, decided) VALUES (?, ?, ?)
ON CONFLICT (name) DO NOTHING;
