SELECT epoch, messages FROM executions WHERE id = ?;
