UPDATE executions
SET messages = messages + 1, available_at = CASE owner WHEN '' THEN 0 ELSE available_at END
WHERE id = ?;
