UPDATE schedules SET cadence = $2, decided = $3, fired = $4, execution = $5, skipped = $6, reason = $7
WHERE name = $1;
