-- What `write` does, for the end of one execution: its last entries, its outcome, and the release of its events.
WITH living AS MATERIALIZED (
    SELECT owner FROM workers WHERE owner = $3 FOR KEY SHARE
), ended AS (
    UPDATE executions SET status = $4, reason = $5, output = $6, error = $7, finished_at = $8, partial = $9, owner = ''
    WHERE id = $1 AND epoch = $2 AND owner = (SELECT owner FROM living)
    RETURNING id
), released AS (
    UPDATE events SET released = true WHERE $10 AND root_id = (SELECT id FROM ended) AND NOT released
), appended AS (
    INSERT INTO entries (execution_id, seq, kind, at, step, attempt, started, due, payload, undo, message)
    SELECT execution_id, seq, kind, entered_at, step, attempt, started, due, payload, undo, message
    FROM unnest($11::new_entry[]) WHERE EXISTS (SELECT FROM ended)
    ON CONFLICT (execution_id, seq) DO NOTHING
)
SELECT id FROM ended;
