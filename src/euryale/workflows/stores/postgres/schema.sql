-- The whole schema, as the migrations make it: for people to read. Written by scripts/schemas.

CREATE TYPE fate AS (
    at integer,
    id text,
    fate text
);

CREATE TYPE fence AS (
    at integer,
    id text,
    epoch bigint
);

CREATE TYPE new_entry AS (
    at integer,
    execution_id text,
    seq bigint,
    kind text,
    entered_at double precision,
    step text,
    attempt bigint,
    started double precision,
    due double precision,
    payload bytea,
    undo bytea,
    message bigint,
    worker text
);

CREATE TYPE new_event AS (
    at integer,
    id text,
    root_id text,
    execution_id text,
    name text,
    payload bytea,
    emitted_at double precision
);

CREATE TYPE new_execution AS (
    at integer,
    id text,
    workflow text,
    version bigint,
    plan_hash text,
    status text,
    created_at double precision,
    input bytea,
    root_id text,
    parent_id text,
    parent_step text,
    owner text,
    epoch bigint,
    reason text,
    output bytea,
    error bytea,
    finished_at double precision,
    retention double precision,
    queue text,
    priority bigint,
    available_at double precision,
    started_at double precision,
    messages bigint,
    stranded text,
    partial boolean,
    trace text,
    slot text,
    queue_key text,
    dedup_key text
);

CREATE TYPE queue_limits AS (
    name text,
    concurrency bigint,
    worker_concurrency bigint,
    key_concurrency bigint,
    rate_limit bigint,
    rate_period double precision
);

CREATE TYPE touch AS (
    at integer,
    id text,
    epoch bigint,
    changes boolean,
    status text,
    reason text,
    output bytea,
    error bytea,
    finished_at double precision,
    partial boolean,
    released boolean,
    due double precision,
    seen bigint,
    stranded text,
    heard bigint
);

CREATE TYPE wake AS (
    at integer,
    id text
);

CREATE TABLE entries (
    execution_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    at double precision NOT NULL,
    step text NOT NULL,
    attempt bigint NOT NULL,
    started double precision,
    due double precision,
    payload bytea,
    undo bytea,
    message bigint NOT NULL,
    worker text NOT NULL DEFAULT ''::text,
    PRIMARY KEY (execution_id, seq)
);

CREATE TABLE events (
    number bigint GENERATED ALWAYS AS IDENTITY,
    id text COLLATE "C" NOT NULL,
    root_id text COLLATE "C" NOT NULL,
    execution_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    payload bytea NOT NULL,
    at double precision NOT NULL,
    released boolean NOT NULL DEFAULT false,
    taken_by text NOT NULL DEFAULT ''::text,
    taken_at timestamp with time zone,
    PRIMARY KEY (number),
    UNIQUE (id)
);
CREATE INDEX events_emitted ON events USING btree (execution_id) WHERE (NOT released);
CREATE INDEX events_released ON events USING btree (number) WHERE released;
CREATE INDEX events_staged ON events USING btree (root_id) WHERE (NOT released);

CREATE TABLE executions (
    id text COLLATE "C" NOT NULL,
    workflow text NOT NULL,
    version bigint NOT NULL,
    plan_hash text NOT NULL,
    status text NOT NULL,
    created_at double precision NOT NULL,
    input bytea NOT NULL,
    root_id text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C" NOT NULL,
    parent_step text NOT NULL,
    owner text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    reason text NOT NULL,
    output bytea,
    error bytea,
    finished_at double precision,
    retention double precision,
    queue text NOT NULL,
    priority bigint NOT NULL,
    available_at double precision,
    started_at double precision,
    messages bigint NOT NULL,
    stranded text NOT NULL,
    partial boolean NOT NULL,
    trace text NOT NULL,
    claim bigint NOT NULL DEFAULT 0,
    slot text NOT NULL DEFAULT ''::text,
    queue_key text NOT NULL DEFAULT ''::text,
    dedup_key text NOT NULL DEFAULT ''::text,
    PRIMARY KEY (id)
) WITH (fillfactor=80, autovacuum_vacuum_scale_factor=0.05);
CREATE INDEX executions_begun ON executions USING btree (queue, started_at DESC) WHERE (slot = 'held'::text);
CREATE INDEX executions_children ON executions USING btree (parent_id, created_at DESC, id DESC) WHERE (parent_id <> ''::text);
CREATE INDEX executions_deduplicated ON executions USING btree (queue, dedup_key) WHERE ((dedup_key <> ''::text) AND (status = ANY (ARRAY['pending'::text, 'running'::text, 'waiting'::text, 'compensating'::text])));
CREATE INDEX executions_family ON executions USING btree (root_id) WHERE (parent_id <> ''::text);
CREATE INDEX executions_held ON executions USING btree (queue, queue_key, owner) WHERE ((slot = 'held'::text) AND (status = ANY (ARRAY['pending'::text, 'running'::text, 'waiting'::text, 'compensating'::text])));
CREATE INDEX executions_keyed ON executions USING btree (queue, queue_key) WHERE ((queue_key <> ''::text) AND (status = ANY (ARRAY['pending'::text, 'running'::text, 'waiting'::text, 'compensating'::text])));
CREATE INDEX executions_newest ON executions USING btree (created_at DESC, id DESC);
CREATE INDEX executions_old ON executions USING btree (((finished_at + retention))) WHERE ((id = root_id) AND (owner = ''::text) AND (status = ANY (ARRAY['succeeded'::text, 'reverted'::text])));
CREATE INDEX executions_owned ON executions USING btree (owner) WHERE (owner <> ''::text);
CREATE INDEX executions_queue ON executions USING btree (queue, created_at DESC, id DESC) WHERE (queue <> ''::text);
CREATE INDEX executions_ready ON executions USING btree (priority DESC, available_at, created_at) WHERE ((owner = ''::text) AND (available_at IS NOT NULL) AND (stranded = ''::text) AND (slot <> 'waiting'::text) AND (status = ANY (ARRAY['pending'::text, 'running'::text, 'waiting'::text, 'compensating'::text])));
CREATE INDEX executions_waiting ON executions USING btree (queue, priority DESC, available_at, created_at) WHERE (slot = 'waiting'::text);
CREATE INDEX executions_waiting_due ON executions USING btree (queue, available_at) WHERE (slot = 'waiting'::text);
CREATE INDEX executions_workflow ON executions USING btree (workflow, created_at DESC, id DESC);

CREATE TABLE messages (
    execution_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    step text NOT NULL,
    payload bytea NOT NULL,
    at double precision NOT NULL,
    failed boolean NOT NULL,
    key text NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (execution_id, kind, step, key)
);

CREATE TABLE schedules (
    name text COLLATE "C" NOT NULL,
    cadence text NOT NULL,
    decided double precision NOT NULL,
    fired double precision,
    execution text COLLATE "C" NOT NULL DEFAULT ''::text,
    skipped double precision,
    reason text NOT NULL DEFAULT ''::text,
    PRIMARY KEY (name)
);

CREATE TABLE versions (
    number integer NOT NULL,
    migrated_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (number)
);

CREATE TABLE workers (
    owner text COLLATE "C" NOT NULL,
    store text NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    PRIMARY KEY (owner)
) WITH (fillfactor=50);

COMMENT ON COLUMN executions.claim IS 'Which claim of its owner took it: one whose answer was lost is looked up by it.';

CREATE OR REPLACE FUNCTION claim_queued(p_owner text, p_now double precision, p_limit bigint, p_plans text[], p_claim bigint, p_queue queue_limits, OUT taken bigint, OUT due double precision)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION create_in(p_row text, p_transaction text, p_limit text, OUT outcome text, OUT execution_id text, OUT workflow text, OUT input text)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'euryale', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION duplicate_of(p_new new_execution)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT id FROM executions
    WHERE queue = p_new.queue AND dedup_key = p_new.dedup_key AND dedup_key <> '' AND slot <> 'waived'
        AND status IN ('pending', 'running', 'waiting', 'compensating')
    ORDER BY created_at, id LIMIT 1;
$function$;

CREATE OR REPLACE FUNCTION enter(p_new new_execution, p_entries new_entry[], p_policy text, p_key_concurrency bigint, p_cancellation bytea, OUT verdict text, OUT execution_id text, OUT told text[], OUT numbers bigint[], OUT statuses text[], OUT owners text[])
 RETURNS record
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION give_slots(p_owner text, p_now double precision, p_limit bigint, p_plans text[], p_claim bigint, p_queue queue_limits, OUT taken bigint, OUT due double precision)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION key_locks(p_new new_execution)
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE
AS $function$
    SELECT hashtextextended('euryale ' || kind || ' ' || current_schema() || '/' || p_new.queue || '/' || key, 0) AS lock
    FROM (VALUES ('key', p_new.queue_key), ('dedup', p_new.dedup_key)) AS known (kind, key)
    WHERE key <> ''
    ORDER BY lock;
$function$;

CREATE OR REPLACE FUNCTION left_for_worker(p_queue queue_limits, p_owner text)
 RETURNS bigint
 LANGUAGE sql
 STABLE
AS $function$
    SELECT p_queue.worker_concurrency - count(*) FROM executions
    WHERE queue = p_queue.name AND owner = p_owner AND slot = 'held'
        AND status IN ('pending', 'running', 'waiting', 'compensating');
$function$;

CREATE OR REPLACE FUNCTION lock_queue(p_name text)
 RETURNS void
 LANGUAGE sql
AS $function$
    SELECT pg_advisory_xact_lock(hashtextextended('euryale queue ' || current_schema() || '/' || p_name, 0));
$function$;

CREATE OR REPLACE FUNCTION others_with_key(p_new new_execution)
 RETURNS text[]
 LANGUAGE sql
 STABLE
AS $function$
    SELECT array(
        SELECT id FROM executions
        WHERE queue = p_new.queue AND queue_key = p_new.queue_key AND queue_key <> '' AND slot <> 'waived'
            AND status IN ('pending', 'running', 'waiting', 'compensating')
        ORDER BY created_at, id
    );
$function$;

CREATE OR REPLACE FUNCTION post(p_execution_id text, p_kind text, p_step text, p_payload bytea, p_at double precision, p_failed boolean, p_key text, OUT number bigint, OUT status text, OUT owner text)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
DECLARE
    execution record;
BEGIN
    SELECT e.status, e.owner, e.messages INTO execution
    FROM executions AS e WHERE e.id = p_execution_id FOR NO KEY UPDATE;
    status := execution.status;
    owner := execution.owner;
    IF (p_kind <> 'undone' AND status IN ('pending', 'running', 'waiting'))
        OR (p_kind = 'undone' AND status IN ('compensating', 'failed'))
    THEN
        INSERT INTO messages (execution_id, kind, step, payload, at, failed, key, number)
        VALUES (p_execution_id, p_kind, p_step, p_payload, p_at, p_failed, p_key, execution.messages + 1)
        ON CONFLICT (execution_id, kind, step, key) DO NOTHING
        RETURNING messages.number INTO number;
    END IF;
    IF number IS NOT NULL THEN
        UPDATE executions AS e SET
            messages = number,
            slot = CASE WHEN p_kind = 'cancel' AND e.slot = 'waiting' THEN 'waived' ELSE e.slot END,
            available_at = CASE
                WHEN e.owner = '' AND (e.status <> 'pending' OR p_kind = 'cancel') THEN 0
                ELSE e.available_at
            END
        WHERE e.id = p_execution_id;
    ELSE
        SELECT m.number INTO number FROM messages AS m
        WHERE m.execution_id = p_execution_id AND m.kind = p_kind AND m.step = p_step AND m.key = p_key
            AND m.payload = p_payload AND m.at = p_at AND m.failed = p_failed;
    END IF;
END
$function$;

CREATE OR REPLACE FUNCTION reap(p_store text)
 RETURNS SETOF text
 LANGUAGE plpgsql
AS $function$
DECLARE
    dead record;
BEGIN
    FOR dead IN SELECT owner, store FROM workers WHERE lease_until < clock_timestamp() ORDER BY owner LOOP
        IF dead.store <> p_store
            AND NOT EXISTS (SELECT FROM workers WHERE store = dead.store AND lease_until >= clock_timestamp())
        THEN
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE starts_with(application_name, 'euryale ' || dead.store || '/')
                AND usename = current_user AND pid <> pg_backend_pid();
        END IF;
        IF retire(dead.owner, true) THEN
            RETURN NEXT dead.owner;
        END IF;
    END LOOP;
END
$function$;

CREATE OR REPLACE FUNCTION resume_queued(p_owner text, p_now double precision, p_limit bigint, p_plans text[], p_claim bigint, p_queue queue_limits)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION retire(p_owner text, p_only_if_dead boolean)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
BEGIN
    DELETE FROM workers
    WHERE owner = p_owner AND (NOT p_only_if_dead OR lease_until < clock_timestamp());
    IF p_only_if_dead AND NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM executions WHERE owner = p_owner AND owner <> '' ORDER BY id FOR NO KEY UPDATE;
    UPDATE executions SET owner = '', epoch = epoch + 1, available_at = 0 WHERE owner = p_owner AND owner <> '';
    RETURN true;
END
$function$;

CREATE OR REPLACE FUNCTION standing_in(p_new new_execution, p_limit bigint, OUT outcome text, OUT execution_id text)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION starts_in_window(p_queue queue_limits, p_now double precision)
 RETURNS double precision[]
 LANGUAGE sql
 STABLE
AS $function$
    SELECT array(
        SELECT started_at FROM executions
        WHERE queue = p_queue.name AND slot = 'held' AND p_queue.rate_limit IS NOT NULL
            AND started_at > p_now - p_queue.rate_period - 1 AND started_at <= p_now + p_queue.rate_period
            AND started_at + p_queue.rate_period > p_now
        ORDER BY started_at DESC LIMIT p_queue.rate_limit
    );
$function$;

CREATE OR REPLACE FUNCTION write(p_owners text[], p_fences fence[], p_entries new_entry[], p_executions new_execution[], p_touches touch[], p_events new_event[], p_fates fate[], p_wakes wake[])
 RETURNS integer[]
 LANGUAGE plpgsql
AS $function$
DECLARE
    living text[] := array(SELECT owner FROM workers WHERE owner = ANY (p_owners) ORDER BY owner FOR KEY SHARE) || ''::text;
    refused integer[] := '{}';
    loose text[];
    made text[];
    touched text[];
    overtaken integer[];
BEGIN
    FOR pass IN 1..2 LOOP
        SELECT
            coalesce(array_agg(f.at) FILTER (WHERE e.epoch IS DISTINCT FROM f.epoch OR e.owner <> ALL (living)), '{}'),
            array_agg(f.id) FILTER (WHERE e.owner = '')
        INTO refused, loose
        FROM unnest(p_fences) AS f LEFT JOIN executions AS e ON e.id = f.id;
        EXIT WHEN loose IS NULL;
        PERFORM FROM executions WHERE id = ANY (loose) ORDER BY id FOR NO KEY UPDATE;
    END LOOP;

    IF loose IS NOT NULL THEN
        refused := refused || array(
            SELECT f.at FROM unnest(p_fences) AS f JOIN executions AS e ON e.id = f.id
            WHERE f.id = ANY (loose) AND e.owner = '' AND f.at <> ALL (refused) AND (
                EXISTS (
                    SELECT FROM unnest(p_entries) AS n
                    LEFT JOIN entries AS known ON known.execution_id = n.execution_id AND known.seq = n.seq
                    WHERE n.at = f.at AND (known.kind, known.at) IS DISTINCT FROM (n.kind, n.entered_at)
                ) OR EXISTS (
                    SELECT FROM unnest(p_executions) AS n
                    WHERE n.at = f.at AND NOT EXISTS (SELECT FROM executions AS known WHERE known.id = n.id)
                )
            )
        );
    END IF;

    IF p_executions IS NOT NULL THEN
        refused := refused || array(SELECT n.at FROM unnest(p_executions) AS n WHERE n.owner <> ALL (living));
        WITH inserted AS (
            INSERT INTO executions (
                id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step, owner,
                epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
                started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key
            )
            SELECT
                id, workflow, version, plan_hash, status, created_at, input, root_id, parent_id, parent_step, owner,
                epoch, reason, output, error, finished_at, retention, queue, priority, available_at,
                started_at, messages, stranded, partial, trace, slot, queue_key, dedup_key
            FROM unnest(p_executions) WHERE at <> ALL (refused) ORDER BY id
            ON CONFLICT (id) DO NOTHING
            RETURNING id
        )
        SELECT coalesce(array_agg(id), '{}') INTO made FROM inserted;
        IF cardinality(made) < cardinality(p_executions) THEN
            refused := refused || array(
                SELECT n.at FROM unnest(p_executions) AS n JOIN executions AS e ON e.id = n.id
                WHERE n.id <> ALL (made) AND n.at <> ALL (refused) AND (
                    EXISTS (SELECT FROM entries WHERE execution_id = n.id)
                    OR (n.workflow, n.version, n.plan_hash, n.status, n.created_at, n.input, n.root_id, n.parent_id,
                        n.parent_step, n.owner, n.epoch)
                    IS DISTINCT FROM (e.workflow, e.version, e.plan_hash, e.status, e.created_at, e.input, e.root_id,
                        e.parent_id, e.parent_step, e.owner, e.epoch)
                )
            );
            DELETE FROM executions
            WHERE id = ANY (made) AND id IN (SELECT n.id FROM unnest(p_executions) AS n WHERE n.at = ANY (refused));
        END IF;
    END IF;

    IF cardinality(p_touches) + cardinality(p_wakes) > 1 OR (p_touches[1]).heard IS NOT NULL THEN
        touched := array(SELECT id FROM unnest(p_touches) UNION SELECT id FROM unnest(p_wakes));
        WITH locked AS ( -- in order, so that no two batches wait for each other
            SELECT id, messages FROM executions WHERE id = ANY (touched) ORDER BY id FOR NO KEY UPDATE
        )
        SELECT array_agg(t.at) INTO overtaken
        FROM locked AS l JOIN unnest(p_touches) AS t ON t.id = l.id WHERE l.messages > t.heard;
        IF overtaken IS NOT NULL THEN
            refused := refused || array(
                SELECT t.at FROM unnest(p_touches) AS t
                WHERE t.at = ANY (overtaken)
                    AND EXISTS (SELECT FROM messages AS m WHERE m.execution_id = t.id AND m.kind = 'cancel')
            );
        END IF;
    END IF;

    IF cardinality(p_entries) > 0 THEN
        INSERT INTO entries (
            execution_id, seq, kind, at, step, attempt, started, due, payload, undo, message, worker
        )
        SELECT execution_id, seq, kind, entered_at, step, attempt, started, due, payload, undo, message, worker
        FROM unnest(p_entries) WHERE at <> ALL (refused)
        ON CONFLICT (execution_id, seq) DO NOTHING;
    END IF;

    IF p_executions IS NULL THEN
        RETURN refused;
    END IF;

    IF cardinality(p_events) > 0 THEN
        INSERT INTO events (id, root_id, execution_id, name, payload, at)
        SELECT id, root_id, execution_id, name, payload, emitted_at FROM unnest(p_events) WHERE at <> ALL (refused)
        ON CONFLICT (id) DO NOTHING;
    END IF;
    IF cardinality(p_fates) > 0 THEN
        touched := array(SELECT id FROM unnest(p_fates) WHERE fate = 'drop' AND at <> ALL (refused));
        DELETE FROM events WHERE execution_id = ANY (touched) AND NOT released;
        touched := array(SELECT id FROM unnest(p_fates) WHERE fate = 'release' AND at <> ALL (refused));
        UPDATE events SET released = true WHERE root_id = ANY (touched) AND NOT released;
    END IF;

    IF cardinality(p_touches) > 0 THEN
        UPDATE executions AS e SET
            status = CASE WHEN t.changes THEN t.status ELSE e.status END,
            reason = CASE WHEN t.changes THEN t.reason ELSE e.reason END,
            output = CASE WHEN t.changes THEN t.output ELSE e.output END,
            error = CASE WHEN t.changes THEN t.error ELSE e.error END,
            finished_at = CASE WHEN t.changes THEN t.finished_at ELSE e.finished_at END,
            partial = CASE WHEN t.changes THEN t.partial ELSE e.partial END,
            owner = CASE
                WHEN t.released OR (t.changes AND t.status IN ('succeeded', 'reverted', 'failed')) THEN ''
                ELSE e.owner
            END,
            available_at = CASE
                WHEN NOT t.released OR e.owner = '' THEN e.available_at
                WHEN e.messages > t.seen THEN 0
                ELSE t.due
            END,
            stranded = CASE WHEN t.released AND e.owner <> '' THEN t.stranded ELSE e.stranded END
        FROM unnest(p_touches) AS t WHERE e.id = t.id AND e.epoch = t.epoch AND t.at <> ALL (refused);
    END IF;
    IF cardinality(p_wakes) > 0 THEN
        UPDATE executions AS e SET
            messages = e.messages + w.times,
            available_at = CASE e.owner WHEN '' THEN 0 ELSE e.available_at END
        FROM (SELECT id, count(*) AS times FROM unnest(p_wakes) WHERE at <> ALL (refused) GROUP BY id) AS w
        WHERE e.id = w.id;
    END IF;
    RETURN refused;
END
$function$;
