SELECT q.at,
    EXISTS (
        SELECT FROM executions
        WHERE queue = q.name AND slot = 'waiting' AND stranded = '' AND available_at <= $2
            AND plan_hash = ANY ($3::text[])
    ) OR EXISTS (
        SELECT FROM executions
        WHERE queue = q.name AND slot = 'held' AND owner = '' AND stranded = '' AND available_at <= $2 AND q.apart
            AND status IN ('pending', 'running', 'waiting', 'compensating') AND plan_hash = ANY ($3::text[])
    ),
    least(
        (SELECT min(available_at) FROM executions
        WHERE queue = q.name AND slot = 'waiting' AND stranded = '' AND available_at > $2
            AND plan_hash = ANY ($3::text[])),
        (SELECT min(available_at) FROM executions
        WHERE queue = q.name AND slot = 'held' AND owner = '' AND stranded = '' AND available_at > $2 AND q.apart
            AND status IN ('pending', 'running', 'waiting', 'compensating') AND plan_hash = ANY ($3::text[]))
    )
FROM unnest($1::text[], $4::boolean[]) WITH ORDINALITY AS q (name, apart, at)
ORDER BY q.at;
