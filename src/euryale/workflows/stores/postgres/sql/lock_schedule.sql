SELECT name, cadence, decided, fired, execution, skipped, reason FROM schedules WHERE name = $1 FOR UPDATE;
