SELECT number, status, owner FROM post($1, $2, $3, $4, $5, $6, $7);
