UPDATE executions
SET owner = '', available_at = CASE WHEN messages > ?3 THEN 0 ELSE ?2 END, stranded = ?4
WHERE id = ?1 AND owner <> '';
