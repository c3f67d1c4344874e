SELECT epoch FROM executions WHERE id = ?;
