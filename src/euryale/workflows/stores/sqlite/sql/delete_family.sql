DELETE FROM entries WHERE execution_id IN (SELECT id FROM executions WHERE root_id = ?1);
DELETE FROM messages WHERE execution_id IN (SELECT id FROM executions WHERE root_id = ?1);
DELETE FROM executions WHERE root_id = ?1;
