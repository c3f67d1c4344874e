DELETE FROM entries WHERE execution_id IN (SELECT ?1 UNION ALL SELECT id FROM executions WHERE root_id = ?1 AND parent_id <> '');
DELETE FROM messages WHERE execution_id IN (SELECT ?1 UNION ALL SELECT id FROM executions WHERE root_id = ?1 AND parent_id <> '');
DELETE FROM executions WHERE id = ?1 OR (root_id = ?1 AND parent_id <> '');
