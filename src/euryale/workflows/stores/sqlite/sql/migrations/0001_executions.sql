-- `executions` has a row for each execution, touched at its start and at changes of its status; `entries` is the
-- append-only journal; `messages` are told to executions from outside; `events` is the outbox.
CREATE TABLE IF NOT EXISTS executions (
    id TEXT PRIMARY KEY,
    workflow TEXT NOT NULL,
    version INTEGER NOT NULL,
    plan_hash TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    input BLOB NOT NULL,
    root_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    parent_step TEXT NOT NULL,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    reason TEXT NOT NULL,
    output BLOB,
    error BLOB,
    finished_at REAL,
    retention REAL
) STRICT;
CREATE INDEX IF NOT EXISTS executions_open ON executions (status)
    WHERE status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX IF NOT EXISTS executions_newest ON executions (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS executions_workflow ON executions (workflow, created_at DESC);
CREATE INDEX IF NOT EXISTS executions_family ON executions (root_id) WHERE parent_id <> '';
CREATE TABLE IF NOT EXISTS entries (
    execution_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    step TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    started REAL,
    due REAL,
    payload BLOB,
    undo BLOB,
    PRIMARY KEY (execution_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    execution_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    step TEXT NOT NULL,
    payload BLOB NOT NULL,
    at REAL NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (execution_id, kind, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    root_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    name TEXT NOT NULL,
    payload BLOB NOT NULL,
    at REAL NOT NULL,
    released INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS events_staged ON events (root_id) WHERE released = 0;
CREATE INDEX IF NOT EXISTS events_released ON events (number) WHERE released = 1;
