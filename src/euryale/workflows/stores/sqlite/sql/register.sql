INSERT INTO schedules (name, cadence, decided) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
    decided = CASE cadence WHEN excluded.cadence THEN decided ELSE max(decided, excluded.decided) END,
    cadence = excluded.cadence
RETURNING name, cadence, decided, fired, execution, skipped, reason;
