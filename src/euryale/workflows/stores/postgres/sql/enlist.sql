INSERT INTO workers (owner, store, lease_until) VALUES ($1, $2, clock_timestamp() + $3 * interval '1 second')
ON CONFLICT (owner) DO UPDATE SET store = excluded.store, lease_until = excluded.lease_until;
