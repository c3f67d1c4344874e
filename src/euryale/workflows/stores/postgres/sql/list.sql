SELECT id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
    started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key
FROM executions
WHERE ($1::text IS NULL OR workflow = $1)
    AND (cardinality($2::text[]) = 0 OR status = ANY ($2::text[]))
    AND ($3::text IS NULL OR parent_id = $3)
    AND ($4::text = '' OR starts_with(id, $4))
    AND ($8::text IS NULL OR (queue = $8 AND queue <> ''))
    AND ($5::double precision IS NULL OR (created_at, id) < ($5, $6::text))
ORDER BY created_at DESC, id DESC
LIMIT $7;
