SELECT taken, due FROM claim_queued($1, $2, $3, $4, $5, $6);
