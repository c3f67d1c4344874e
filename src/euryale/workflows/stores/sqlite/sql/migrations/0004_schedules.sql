-- How far each schedule is: ticks up to `decided` fired or were skipped, and never fire again.
CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    cadence TEXT NOT NULL,
    decided REAL NOT NULL,
    fired REAL,
    execution TEXT NOT NULL DEFAULT '',
    skipped REAL,
    reason TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
