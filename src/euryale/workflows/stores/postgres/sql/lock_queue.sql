SELECT lock_queue($1);
