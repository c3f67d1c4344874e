SELECT messages, status, owner FROM executions WHERE id = ?;
