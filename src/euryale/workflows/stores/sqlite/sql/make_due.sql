UPDATE executions SET available_at = :now
WHERE id IN (
    SELECT id FROM executions -- hardly ever is there any of a later time: they are a range of the index
    WHERE created_at > :now AND available_at > :now AND available_at <= created_at
        AND owner = '' AND status = 'pending'
    ORDER BY created_at, id
    LIMIT :limit
);
