SELECT id FROM executions
WHERE id = root_id AND owner = '' AND retention IS NOT NULL AND finished_at + retention <= ?
    AND status IN ('succeeded', 'reverted')
LIMIT ?;
