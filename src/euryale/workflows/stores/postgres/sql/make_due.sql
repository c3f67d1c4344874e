WITH held_up AS MATERIALIZED ( -- hardly ever is there any of a later time: they are a range of the index
    SELECT id FROM executions
    WHERE created_at > $1 AND available_at > $1 AND available_at <= created_at AND owner = '' AND status = 'pending'
    ORDER BY created_at, id LIMIT $2
    FOR UPDATE SKIP LOCKED
), made AS (
    UPDATE executions SET available_at = $1 WHERE id = ANY (ARRAY(SELECT id FROM held_up))
    RETURNING id
)
SELECT count(*) FROM made;
