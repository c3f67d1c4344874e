WITH RECURSIVE me AS MATERIALIZED (
    SELECT owner FROM workers WHERE owner = $1 FOR KEY SHARE
), levels AS ( -- few priorities, many executions: the due ones of each are a range of the index
    (SELECT priority FROM executions
    WHERE owner = '' AND available_at IS NOT NULL AND stranded = '' AND slot <> 'waiting'
        AND status IN ('pending', 'running', 'waiting', 'compensating')
    ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (SELECT priority FROM executions
        WHERE owner = '' AND available_at IS NOT NULL AND stranded = '' AND slot <> 'waiting'
        AND status IN ('pending', 'running', 'waiting', 'compensating')
            AND priority < levels.priority
        ORDER BY priority DESC LIMIT 1)
    FROM levels WHERE levels.priority IS NOT NULL
), picked AS MATERIALIZED (
    SELECT due.id FROM levels CROSS JOIN LATERAL (
        SELECT id FROM executions
        WHERE owner = '' AND available_at IS NOT NULL AND stranded = '' AND slot <> 'waiting'
        AND status IN ('pending', 'running', 'waiting', 'compensating')
            AND priority = levels.priority AND available_at <= $2 AND plan_hash = ANY ($4::text[])
            AND (slot <> 'held' OR queue <> ALL ($7::text[]))
            AND EXISTS (SELECT FROM me)
        ORDER BY available_at, created_at LIMIT $3
        FOR UPDATE SKIP LOCKED
    ) AS due
    LIMIT $3
), taken AS (
    UPDATE executions SET owner = $1, epoch = epoch + 1, claim = $5, started_at = coalesce(started_at, $2),
        status = CASE status WHEN 'pending' THEN 'running' ELSE status END
    WHERE id = ANY (ARRAY(SELECT id FROM picked))
    RETURNING id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
        owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
        started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key
), lost AS ( -- what earlier claims took, whose answers were lost
    SELECT id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
    started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key
    FROM executions WHERE owner = $1 AND owner <> '' AND claim = ANY ($6::bigint[]) AND cardinality($6::bigint[]) > 0
), next AS (
    SELECT min(due.available_at) AS due FROM levels CROSS JOIN LATERAL (
        SELECT available_at FROM executions
        WHERE owner = '' AND available_at IS NOT NULL AND stranded = '' AND slot <> 'waiting'
        AND status IN ('pending', 'running', 'waiting', 'compensating')
            AND priority = levels.priority AND plan_hash = ANY ($4::text[])
            AND (slot <> 'held' OR queue <> ALL ($7::text[])) AND id NOT IN (SELECT id FROM picked)
        ORDER BY available_at LIMIT 1
    ) AS due
), rows AS (
    SELECT * FROM taken UNION ALL SELECT * FROM lost
)
SELECT next.due, rows.* FROM next LEFT JOIN rows ON true
ORDER BY rows.priority DESC, rows.available_at, rows.created_at;
