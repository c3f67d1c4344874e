-- Executions wait in queues: `slot` says where they stand there. Whoever enters a queue where others decide whether it may,
-- and whoever gives out slots of one, locks that queue until it has committed.
ALTER TABLE executions ADD COLUMN slot text NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN queue_key text NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN dedup_key text NOT NULL DEFAULT '';
DROP INDEX executions_ready;
CREATE INDEX executions_ready ON executions (priority DESC, available_at, created_at)
    WHERE owner = '' AND available_at IS NOT NULL AND stranded = '' AND slot <> 'waiting'
        AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_waiting ON executions (queue, priority DESC, available_at, created_at) WHERE slot = 'waiting';
CREATE INDEX executions_waiting_due ON executions (queue, available_at) WHERE slot = 'waiting';
CREATE INDEX executions_held ON executions (queue, queue_key, owner)
    WHERE slot = 'held' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_begun ON executions (queue, started_at DESC) WHERE slot = 'held';
CREATE INDEX executions_keyed ON executions (queue, queue_key)
    WHERE queue_key <> '' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_deduplicated ON executions (queue, dedup_key)
    WHERE dedup_key <> '' AND status IN ('pending', 'running', 'waiting', 'compensating');
CREATE INDEX executions_queue ON executions (queue, created_at DESC, id DESC) WHERE queue <> '';

CREATE TYPE queue_limits AS (
    name text, concurrency bigint, worker_concurrency bigint, key_concurrency bigint, rate_limit bigint,
    rate_period double precision
);

CREATE FUNCTION lock_queue(p_name text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('euryale queue ' || current_schema() || '/' || p_name, 0));
$$;

-- How many more executions of a queue a worker may drive.
CREATE FUNCTION left_for_worker(p_queue queue_limits, p_owner text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT p_queue.worker_concurrency - count(*) FROM executions
    WHERE queue = p_queue.name AND owner = p_owner AND slot = 'held'
        AND status IN ('pending', 'running', 'waiting', 'compensating');
$$;

-- When the last ones began that count against the rate, newest first: of the present window, however a clock was set.
CREATE FUNCTION starts_in_window(p_queue queue_limits, p_now double precision)
RETURNS double precision[] LANGUAGE sql STABLE AS $$
    SELECT array(
        SELECT started_at FROM executions
        WHERE queue = p_queue.name AND slot = 'held' AND p_queue.rate_limit IS NOT NULL
            AND started_at > p_now - p_queue.rate_period - 1 AND started_at <= p_now + p_queue.rate_period
            AND started_at + p_queue.rate_period > p_now
        ORDER BY started_at DESC LIMIT p_queue.rate_limit
    );
$$;

-- Take executions with a slot that nobody owns, of a queue of which a worker drives only so many; return how many.
CREATE FUNCTION resume_queued(
    p_owner text, p_now double precision, p_limit bigint, p_plans text[], p_claim bigint, p_queue queue_limits
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    taken bigint;
BEGIN
    UPDATE executions SET owner = p_owner, epoch = epoch + 1, claim = p_claim
    WHERE id = ANY (array(
        SELECT id FROM executions
        WHERE queue = p_queue.name AND slot = 'held' AND owner = '' AND stranded = '' AND available_at <= p_now
            AND status IN ('pending', 'running', 'waiting', 'compensating') AND plan_hash = ANY (p_plans)
        ORDER BY priority DESC, available_at, created_at LIMIT greatest(p_limit, 0)
        FOR UPDATE SKIP LOCKED
    ));
    GET DIAGNOSTICS taken = ROW_COUNT;
    RETURN taken;
END
$$;

-- Give slots of a queue to those that wait there: the most urgent first, passing over those whose key is full. Return how
-- many, and when the rate lets the next one begin. The caller has locked the queue.
CREATE FUNCTION give_slots(
    p_owner text, p_now double precision, p_limit bigint, p_plans text[], p_claim bigint, p_queue queue_limits,
    OUT taken bigint, OUT due double precision
) LANGUAGE plpgsql AS $$
DECLARE
    starts double precision[] := starts_in_window(p_queue, p_now);
    held bigint := (
        SELECT count(*) FROM executions
        WHERE queue = p_queue.name AND slot = 'held' AND p_queue.concurrency IS NOT NULL
            AND status IN ('pending', 'running', 'waiting', 'compensating')
    );
    room bigint := least(p_limit, p_queue.concurrency - held, p_queue.rate_limit - cardinality(starts));
    holding jsonb := (
        SELECT coalesce(jsonb_object_agg(queue_key, times), '{}') FROM (
            SELECT queue_key, count(*) AS times FROM executions
            WHERE queue = p_queue.name AND slot = 'held' AND queue_key <> '' AND p_queue.key_concurrency IS NOT NULL
                AND status IN ('pending', 'running', 'waiting', 'compensating')
            GROUP BY queue_key
        ) AS holders
    );
    full_keys text[] := array(SELECT key FROM jsonb_each_text(holding) WHERE value::bigint >= p_queue.key_concurrency);
    others bigint;
    candidate record;
BEGIN
    taken := 0;
    IF room > 0 THEN
        FOR candidate IN
            SELECT id, queue_key FROM executions
            WHERE queue = p_queue.name AND slot = 'waiting' AND stranded = '' AND available_at <= p_now
                AND plan_hash = ANY (p_plans) AND queue_key <> ALL (full_keys)
            ORDER BY priority DESC, available_at, created_at
        LOOP
            others := coalesce((holding ->> candidate.queue_key)::bigint, 0);
            CONTINUE WHEN candidate.queue_key <> '' AND others >= p_queue.key_concurrency;
            UPDATE executions SET owner = p_owner, epoch = epoch + 1, claim = p_claim, slot = 'held', status = 'running',
                started_at = coalesce(started_at, p_now)
            WHERE id = candidate.id AND slot = 'waiting';
            CONTINUE WHEN NOT FOUND; -- it was cancelled just now
            holding := holding || jsonb_build_object(candidate.queue_key, others + 1);
            taken := taken + 1;
            EXIT WHEN taken = room;
        END LOOP;
    END IF;
    IF cardinality(starts) + taken >= p_queue.rate_limit THEN
        due := coalesce(starts[cardinality(starts)], p_now) + p_queue.rate_period;
    END IF;
END
$$;

-- What `claim_queued` does in one queue.
CREATE FUNCTION claim_queued(
    p_owner text, p_now double precision, p_limit bigint, p_plans text[], p_claim bigint, p_queue queue_limits,
    OUT taken bigint, OUT due double precision
) LANGUAGE plpgsql AS $$
DECLARE
    resumed bigint := 0;
    room bigint;
BEGIN
    taken := 0;
    PERFORM FROM workers WHERE owner = p_owner FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM lock_queue(p_queue.name);
    room := least(p_limit, left_for_worker(p_queue, p_owner));
    IF p_queue.worker_concurrency IS NOT NULL THEN
        resumed := resume_queued(p_owner, p_now, room, p_plans, p_claim, p_queue);
    END IF;
    SELECT given.taken, given.due INTO taken, due
    FROM give_slots(p_owner, p_now, room - resumed, p_plans, p_claim, p_queue) AS given;
    taken := taken + resumed;
END
$$;

-- What `enter` does: decide whether an execution enters its queue, create it, and tell others that they are to end.
CREATE FUNCTION enter(
    p_new new_execution, p_entries new_entry[], p_policy text, p_key_concurrency bigint, p_cancellation bytea,
    OUT verdict text, OUT execution_id text, OUT told text[], OUT numbers bigint[], OUT statuses text[], OUT owners text[]
) LANGUAGE plpgsql AS $$
DECLARE
    others text[];
    other text;
    answer record;
BEGIN
    PERFORM lock_queue(p_new.queue);
    execution_id := (SELECT id FROM executions WHERE id = p_new.id);
    IF execution_id IS NOT NULL THEN
        verdict := 'known';
        RETURN;
    END IF;
    SELECT id INTO execution_id FROM executions
    WHERE queue = p_new.queue AND dedup_key = p_new.dedup_key AND dedup_key <> '' AND slot <> 'waived'
        AND status IN ('pending', 'running', 'waiting', 'compensating')
    ORDER BY created_at, id LIMIT 1;
    IF execution_id IS NOT NULL THEN
        verdict := 'duplicate';
        RETURN;
    END IF;
    others := array(
        SELECT id FROM executions
        WHERE queue = p_new.queue AND queue_key = p_new.queue_key AND queue_key <> '' AND slot <> 'waived'
            AND status IN ('pending', 'running', 'waiting', 'compensating')
        ORDER BY created_at, id
    );
    IF p_policy = 'reject' AND cardinality(others) >= p_key_concurrency THEN
        verdict := 'rejected';
        execution_id := others[1];
        RETURN;
    END IF;
    execution_id := p_new.id;
    IF cardinality(write('{}', '{}', p_entries, array[p_new], '{}', '{}', '{}', '{}')) > 0 THEN
        verdict := 'known';
        RETURN;
    END IF;
    verdict := 'created';
    FOR other IN SELECT id FROM unnest(others) AS id WHERE p_policy IN ('replace', 'cancel') ORDER BY id LOOP
        PERFORM FROM executions WHERE id = other FOR NO KEY UPDATE;
        CONTINUE WHEN p_policy = 'replace' AND NOT EXISTS (SELECT FROM executions WHERE id = other AND slot = 'waiting');
        answer := post(other, 'cancel', '', p_cancellation, p_new.created_at, false, '');
        CONTINUE WHEN answer.number IS NULL;
        told := told || other;
        numbers := numbers || answer.number;
        statuses := statuses || answer.status;
        owners := owners || answer.owner;
    END LOOP;
END
$$;
