UPDATE workers SET lease_until = clock_timestamp() + $2 * interval '1 second' WHERE owner = $1 RETURNING owner;
