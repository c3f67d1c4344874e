SELECT name, cadence, decided, fired, execution, skipped, reason FROM schedules ORDER BY name;
