UPDATE executions
SET messages = messages + 1,
    slot = CASE WHEN :kind = 'cancel' AND slot = 'waiting' THEN 'waived' ELSE slot END,
    available_at = CASE WHEN owner = '' AND (status <> 'pending' OR :kind = 'cancel') THEN 0 ELSE available_at END
WHERE id = :id;
