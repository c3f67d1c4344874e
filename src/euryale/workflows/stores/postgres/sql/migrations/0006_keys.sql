-- Executions that are started inside of the transactions of others enter queues that reject, and are deduplicated. Such
-- a transaction may stay open for long, so it locks no queue, which would hold up all claims of it, but only the keys by
-- which it decided. Who else decides by one of those waits for its end: another such transaction does so here, and
-- `enter` is told `busy`, so that no session of a worker is held up.
CREATE FUNCTION key_locks(p_new new_execution) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT hashtextextended('euryale ' || kind || ' ' || current_schema() || '/' || p_new.queue || '/' || key, 0) AS lock
    FROM (VALUES ('key', p_new.queue_key), ('dedup', p_new.dedup_key)) AS known (kind, key)
    WHERE key <> ''
    ORDER BY lock;
$$;

CREATE OR REPLACE FUNCTION enter(
    p_new new_execution, p_entries new_entry[], p_policy text, p_key_concurrency bigint, p_cancellation bytea,
    OUT verdict text, OUT execution_id text, OUT told text[], OUT numbers bigint[], OUT statuses text[], OUT owners text[]
) LANGUAGE plpgsql AS $$
DECLARE
    others text[];
    other text;
    answer record;
BEGIN
    IF NOT (SELECT bool_and(pg_try_advisory_xact_lock(lock)) FROM key_locks(p_new) AS lock) THEN
        verdict := 'busy';
        RETURN;
    END IF;
    PERFORM lock_queue(p_new.queue);
    execution_id := (SELECT id FROM executions WHERE id = p_new.id);
    IF execution_id IS NOT NULL THEN
        verdict := 'known';
        RETURN;
    END IF;
    execution_id := duplicate_of(p_new);
    IF execution_id IS NOT NULL THEN
        verdict := 'duplicate';
        RETURN;
    END IF;
    others := others_with_key(p_new);
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

-- The oldest execution with the same dedup key that has not ended.
CREATE FUNCTION duplicate_of(p_new new_execution) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT id FROM executions
    WHERE queue = p_new.queue AND dedup_key = p_new.dedup_key AND dedup_key <> '' AND slot <> 'waived'
        AND status IN ('pending', 'running', 'waiting', 'compensating')
    ORDER BY created_at, id LIMIT 1;
$$;

-- The executions with the same key that have not ended, the oldest first.
CREATE FUNCTION others_with_key(p_new new_execution) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array(
        SELECT id FROM executions
        WHERE queue = p_new.queue AND queue_key = p_new.queue_key AND queue_key <> '' AND slot <> 'waived'
            AND status IN ('pending', 'running', 'waiting', 'compensating')
        ORDER BY created_at, id
    );
$$;

-- What stands in the way of an execution that is created in the transaction of somebody else, or null. A snapshot that is
-- as old as the transaction does not show who has entered since: then it is `isolated`, where others decide.
CREATE FUNCTION standing_in(p_new new_execution, p_limit bigint, OUT outcome text, OUT execution_id text)
LANGUAGE plpgsql AS $$
DECLARE
    others text[];
BEGIN
    IF p_limit IS NOT NULL OR p_new.dedup_key <> '' THEN
        IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            outcome := 'isolated';
            RETURN;
        END IF;
        PERFORM pg_advisory_xact_lock(lock) FROM key_locks(p_new) AS lock;
    END IF;
    SELECT 'known', id INTO outcome, execution_id FROM executions WHERE id = p_new.id;
    IF outcome IS NULL THEN
        execution_id := duplicate_of(p_new);
        outcome := CASE WHEN execution_id IS NOT NULL THEN 'duplicate' END;
    END IF;
    IF outcome IS NULL AND p_limit IS NOT NULL THEN
        others := others_with_key(p_new);
        IF cardinality(others) >= p_limit THEN
            outcome := 'rejected';
            execution_id := others[1];
        END IF;
    END IF;
END
$$;

-- Create an execution in the transaction of somebody else, whose session knows nothing of this schema; `p_row` has the
-- columns of a new execution, and `p_limit` says how many may have its key before it is rejected (empty: any number).
-- Workers are told when that transaction commits. A session that is in no transaction has another one at each statement:
-- then it is `apart`, and nothing is done. Whoever may use the schema may do this.
DROP FUNCTION create_in(text, text);
CREATE FUNCTION create_in(
    p_row text, p_transaction text, p_limit text,
    OUT outcome text, OUT execution_id text, OUT workflow text, OUT input text
) LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    wanted new_execution := jsonb_populate_record(NULL::new_execution, p_row::jsonb);
BEGIN
    IF pg_current_xact_id()::text <> p_transaction THEN
        outcome := 'apart';
        RETURN;
    END IF;
    SELECT standing.outcome, standing.execution_id INTO outcome, execution_id
    FROM standing_in(wanted, nullif(p_limit, '')::bigint) AS standing;
    IF outcome IS NULL THEN
        IF cardinality(write('{}', NULL, NULL, ARRAY[wanted], NULL, NULL, NULL, NULL)) = 0 THEN
            outcome := 'created';
            PERFORM pg_notify(current_schema(), 'ready');
        ELSE -- somebody else has created it meanwhile
            outcome := 'known';
        END IF;
        execution_id := wanted.id;
    END IF;
    SELECT e.workflow, encode(e.input, 'hex') INTO workflow, input FROM executions AS e WHERE e.id = execution_id;
END
$$;
-- Whatever that session's search path and temporary tables are.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION create_in(text, text, text) SET search_path = %I, pg_temp', current_schema());
END
$$;
