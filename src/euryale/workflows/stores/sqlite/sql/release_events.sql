UPDATE events SET released = 1 WHERE root_id = ? AND released = 0;
