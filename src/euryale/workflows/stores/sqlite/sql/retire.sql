UPDATE executions SET owner = '', epoch = epoch + 1, available_at = 0
WHERE owner = ? AND owner <> '';
