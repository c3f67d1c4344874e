-- In order, so that nobody who writes to several waits for us while we wait for them.
SELECT FROM executions WHERE id = ANY (others_with_key($1::new_execution) || $2::text) ORDER BY id FOR NO KEY UPDATE;
