SELECT owner FROM reap($1) AS owner;
