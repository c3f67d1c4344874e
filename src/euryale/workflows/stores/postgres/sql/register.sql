INSERT INTO schedules AS s (name, cadence, decided) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET
    decided = CASE s.cadence WHEN excluded.cadence THEN s.decided ELSE greatest(s.decided, excluded.decided) END,
    cadence = excluded.cadence
RETURNING name, cadence, decided, fired, execution, skipped, reason;
