-- Executions wait to be claimed when they have something to do; signals are messages, too.
ALTER TABLE executions ADD COLUMN queue TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN available_at REAL;
ALTER TABLE executions ADD COLUMN started_at REAL;
ALTER TABLE executions ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN stranded TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN partial INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN trace TEXT NOT NULL DEFAULT '';
ALTER TABLE entries ADD COLUMN message INTEGER NOT NULL DEFAULT 0;
CREATE TABLE new_messages (
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
INSERT INTO new_messages
SELECT execution_id, kind, step, payload, at, failed, '', row_number() OVER (PARTITION BY execution_id ORDER BY at)
FROM messages;
DROP TABLE messages;
ALTER TABLE new_messages RENAME TO messages;
UPDATE executions SET messages = (SELECT count(*) FROM messages WHERE execution_id = id);
DROP INDEX executions_open;
CREATE INDEX executions_owned ON executions (owner) WHERE owner <> '';
CREATE INDEX executions_ready ON executions (available_at)
    WHERE owner = '' AND available_at IS NOT NULL AND stranded = ''
        AND status IN ('pending', 'running', 'waiting', 'compensating');
