UPDATE executions SET status = ?, reason = ?, output = ?, error = ?, finished_at = ? WHERE id = ?;
