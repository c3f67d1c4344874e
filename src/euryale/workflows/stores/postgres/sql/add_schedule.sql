INSERT INTO schedules (name, cadence, decided) VALUES ($1, $2, $3)
ON CONFLICT (name) DO NOTHING;
