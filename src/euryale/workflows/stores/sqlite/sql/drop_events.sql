DELETE FROM events WHERE execution_id = ? AND released = 0;
