-- What `write` does, for commits that only append entries to executions of living workers: one statement, so faster.
-- Its snapshot may be older than its lock; but who takes over removes the worker's row in the same transaction, so while
-- that row stands the epochs of the snapshot hold. Whatever is not counted here is left to `write`.
WITH living AS MATERIALIZED (
    SELECT owner FROM workers WHERE owner = ANY ($1::text[]) FOR KEY SHARE
), accepted AS MATERIALIZED (
    SELECT f.at FROM unnest($2::fence[]) AS f JOIN executions AS e ON e.id = f.id
    WHERE e.epoch = f.epoch AND e.owner = ANY (ARRAY(SELECT owner FROM living))
), appended AS (
    INSERT INTO entries (execution_id, seq, kind, at, step, attempt, started, due, payload, undo, message, worker)
    SELECT execution_id, seq, kind, entered_at, step, attempt, started, due, payload, undo, message, worker
    FROM unnest($3::new_entry[]) WHERE at = ANY (ARRAY(SELECT at FROM accepted))
    ON CONFLICT (execution_id, seq) DO NOTHING
)
SELECT count(*) FROM accepted;
