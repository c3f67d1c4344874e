SELECT verdict, execution_id, told, numbers, statuses, owners FROM enter($1, $2, $3, $4, $5);
