SELECT id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step,
    owner, epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
    started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key
FROM executions
WHERE (:workflow IS NULL OR workflow = :workflow)
    AND (:statuses = '[]' OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:parent_id IS NULL OR parent_id = :parent_id)
    AND (:prefix = '' OR substr(id, 1, length(:prefix)) = :prefix)
    AND (:queue IS NULL OR (queue = :queue AND queue <> ''))
    AND (:before_at IS NULL OR (created_at, id) < (:before_at, :before_id))
ORDER BY created_at DESC, id DESC
LIMIT :limit;
