-- What `write` does, for the end of one execution: its last entries, its outcome, and the release of its events.
WITH living AS MATERIALIZED (
    SELECT w.owner FROM executions AS e CROSS JOIN LATERAL (
        SELECT owner FROM workers WHERE owner = e.owner FOR KEY SHARE
    ) AS w
    WHERE e.id = $1 AND e.epoch = $2
), ended AS (
    UPDATE executions SET status = $3, reason = $4, output = $5, error = $6, finished_at = $7, partial = $8, owner = ''
    WHERE id = $1 AND epoch = $2 AND owner = (SELECT owner FROM living) AND ($11::bigint IS NULL OR messages <= $11)
    RETURNING id
), released AS (
    UPDATE events SET released = true WHERE $9 AND root_id = (SELECT id FROM ended) AND NOT released
), appended AS (
    INSERT INTO entries (execution_id, seq, kind, at, step, attempt, started, due, payload, undo, message, worker)
    SELECT execution_id, seq, kind, entered_at, step, attempt, started, due, payload, undo, message, worker
    FROM unnest($10::new_entry[]) WHERE EXISTS (SELECT FROM ended)
    ON CONFLICT (execution_id, seq) DO NOTHING
)
SELECT id FROM ended;
