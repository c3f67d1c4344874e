SELECT status FROM executions WHERE id = $1;
