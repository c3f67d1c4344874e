-- The whole schema, as the migrations make it: for people to read. Written by scripts/schemas.

CREATE TABLE entries (
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
    message INTEGER NOT NULL DEFAULT 0,
    worker TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (execution_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    number INTEGER,
    id TEXT NOT NULL,
    root_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    name TEXT NOT NULL,
    payload BLOB NOT NULL,
    at REAL NOT NULL,
    released INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (number),
    UNIQUE (id)
) STRICT;
CREATE INDEX events_released ON events (number) WHERE released = 1;
CREATE INDEX events_staged ON events (root_id) WHERE released = 0;

CREATE TABLE executions (
    id TEXT NOT NULL,
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
    retention REAL,
    queue TEXT NOT NULL DEFAULT '',
    priority INTEGER NOT NULL DEFAULT 0,
    available_at REAL,
    started_at REAL,
    messages INTEGER NOT NULL DEFAULT 0,
    stranded TEXT NOT NULL DEFAULT '',
    partial INTEGER NOT NULL DEFAULT 0,
    trace TEXT NOT NULL DEFAULT '',
    slot TEXT NOT NULL DEFAULT '',
    queue_key TEXT NOT NULL DEFAULT '',
    dedup_key TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX executions_begun ON executions (queue, started_at DESC) WHERE slot = 'held';
CREATE INDEX executions_deduplicated ON executions (queue, dedup_key) WHERE dedup_key <> '' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_family ON executions (root_id) WHERE parent_id <> '';
CREATE INDEX executions_held ON executions (queue, queue_key, owner) WHERE slot = 'held' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_keyed ON executions (queue, queue_key) WHERE queue_key <> '' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_newest ON executions (created_at DESC, id DESC);
CREATE INDEX executions_owned ON executions (owner) WHERE owner <> '';
CREATE INDEX executions_queue ON executions (queue, created_at DESC, id DESC) WHERE queue <> '';
CREATE INDEX executions_ready ON executions (available_at) WHERE owner = '' AND available_at IS NOT NULL AND stranded = '' AND slot <> 'waiting' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_waiting ON executions (queue, priority DESC, available_at, created_at) WHERE slot = 'waiting';
CREATE INDEX executions_waiting_due ON executions (queue, available_at) WHERE slot = 'waiting';
CREATE INDEX executions_workflow ON executions (workflow, created_at DESC);

CREATE TABLE messages (
    execution_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    step TEXT NOT NULL,
    payload BLOB NOT NULL,
    at REAL NOT NULL,
    failed INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (execution_id, kind, step, "key")
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
    name TEXT NOT NULL,
    cadence TEXT NOT NULL,
    decided REAL NOT NULL,
    fired REAL,
    execution TEXT NOT NULL DEFAULT '',
    skipped REAL,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
