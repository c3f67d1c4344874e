WITH old AS MATERIALIZED (
    SELECT id FROM executions
    WHERE id = root_id AND owner = '' AND status IN ('succeeded', 'reverted') AND finished_at + retention <= $1
    ORDER BY finished_at + retention LIMIT $2
    FOR UPDATE SKIP LOCKED
), family AS MATERIALIZED (
    SELECT id FROM old
    UNION ALL
    SELECT id FROM executions WHERE parent_id <> '' AND root_id = ANY (ARRAY(SELECT id FROM old))
), without_entries AS (
    DELETE FROM entries WHERE execution_id = ANY (ARRAY(SELECT id FROM family))
), without_messages AS (
    DELETE FROM messages WHERE execution_id = ANY (ARRAY(SELECT id FROM family))
), without_executions AS (
    DELETE FROM executions WHERE id = ANY (ARRAY(SELECT id FROM family))
)
SELECT count(*) FROM old;
