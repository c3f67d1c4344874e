WITH free AS MATERIALIZED (
    SELECT number FROM events
    WHERE released AND (
        taken_by IN ('', $1) OR taken_at < clock_timestamp() - $3 * interval '1 second'
        OR NOT EXISTS (SELECT FROM workers WHERE store = taken_by)
    )
    ORDER BY number LIMIT $2
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE events SET taken_by = $1, taken_at = clock_timestamp() WHERE number = ANY (ARRAY(SELECT number FROM free))
    RETURNING number, id, root_id, execution_id, name, payload, at
)
SELECT id, root_id, execution_id, name, payload, at FROM taken ORDER BY number;
