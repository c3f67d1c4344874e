-- Executions wait in queues: `slot` says where they stand there.
ALTER TABLE executions ADD COLUMN slot TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN queue_key TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN dedup_key TEXT NOT NULL DEFAULT '';
DROP INDEX executions_ready;
CREATE INDEX executions_ready ON executions (available_at)
    WHERE owner = '' AND available_at IS NOT NULL AND stranded = '' AND slot <> 'waiting'
        AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_waiting ON executions (queue, priority DESC, available_at, created_at) WHERE slot = 'waiting';
CREATE INDEX executions_waiting_due ON executions (queue, available_at) WHERE slot = 'waiting';
CREATE INDEX executions_held ON executions (queue, queue_key, owner)
    WHERE slot = 'held' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_begun ON executions (queue, started_at DESC) WHERE slot = 'held';
CREATE INDEX executions_keyed ON executions (queue, queue_key)
    WHERE queue_key <> '' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_deduplicated ON executions (queue, dedup_key)
    WHERE dedup_key <> '' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_queue ON executions (queue, created_at DESC, id DESC) WHERE queue <> '';
