SELECT EXISTS (
    SELECT 1 FROM executions
    WHERE queue = :queue AND slot = 'waiting' AND stranded = '' AND available_at <= :now
        AND plan_hash IN (SELECT value FROM json_each(:plans))
), (
    SELECT min(available_at) FROM executions
    WHERE queue = :queue AND slot = 'waiting' AND stranded = '' AND available_at > :now
        AND plan_hash IN (SELECT value FROM json_each(:plans))
);
