-- `executions` has a row for each execution, touched at its start and at changes of its status; `entries` is the
-- append-only journal; `messages` are told to executions from outside; `events` is the outbox; `workers` has a row for
-- each living worker. Times of workers are the database's own; all others are seconds since the epoch, as they came.
-- Ids compare byte by byte, as they do in programs.
CREATE TABLE workers (
    owner text COLLATE "C" PRIMARY KEY,
    store text NOT NULL,
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE executions (
    id text COLLATE "C" PRIMARY KEY,
    workflow text NOT NULL,
    version bigint NOT NULL,
    plan_hash text NOT NULL,
    status text NOT NULL,
    created_at double precision NOT NULL,
    input bytea NOT NULL,
    root_id text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C" NOT NULL,
    parent_step text NOT NULL,
    owner text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    reason text NOT NULL,
    output bytea,
    error bytea,
    finished_at double precision,
    retention double precision,
    queue text NOT NULL,
    priority bigint NOT NULL,
    available_at double precision,
    started_at double precision,
    messages bigint NOT NULL,
    stranded text NOT NULL,
    partial boolean NOT NULL,
    trace text NOT NULL,
    claim bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON COLUMN executions.claim IS 'Which claim of its owner took it: one whose answer was lost is looked up by it.';
CREATE INDEX executions_ready ON executions (priority DESC, available_at, created_at)
    WHERE owner = '' AND available_at IS NOT NULL AND stranded = ''
        AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_owned ON executions (owner) WHERE owner <> '';
CREATE INDEX executions_newest ON executions (created_at DESC, id DESC);
CREATE INDEX executions_workflow ON executions (workflow, created_at DESC, id DESC);
CREATE INDEX executions_family ON executions (root_id) WHERE parent_id <> '';
CREATE INDEX executions_children ON executions (parent_id, created_at DESC, id DESC) WHERE parent_id <> '';
CREATE INDEX executions_old ON executions ((finished_at + retention))
    WHERE id = root_id AND owner = '' AND status IN ('succeeded', 'reverted');

CREATE TABLE entries (
    execution_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    at double precision NOT NULL,
    step text NOT NULL,
    attempt bigint NOT NULL,
    started double precision,
    due double precision,
    payload bytea,
    undo bytea,
    message bigint NOT NULL,
    PRIMARY KEY (execution_id, seq)
);

CREATE TABLE messages (
    execution_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    step text NOT NULL,
    payload bytea NOT NULL,
    at double precision NOT NULL,
    failed boolean NOT NULL,
    key text NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (execution_id, kind, step, key)
);

CREATE TABLE events (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    root_id text COLLATE "C" NOT NULL,
    execution_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    payload bytea NOT NULL,
    at double precision NOT NULL,
    released boolean NOT NULL DEFAULT false,
    taken_by text NOT NULL DEFAULT '',
    taken_at timestamptz
);
CREATE INDEX events_staged ON events (root_id) WHERE NOT released;
CREATE INDEX events_emitted ON events (execution_id) WHERE NOT released;
CREATE INDEX events_released ON events (number) WHERE released;
