SELECT 1 FROM messages WHERE execution_id = ? AND kind = 'cancel';
