-- How far each schedule is: ticks up to `decided` fired or were skipped, and never fire again.
CREATE TABLE schedules (
    name text COLLATE "C" PRIMARY KEY,
    cadence text NOT NULL,
    decided double precision NOT NULL,
    fired double precision,
    execution text COLLATE "C" NOT NULL DEFAULT '',
    skipped double precision,
    reason text NOT NULL DEFAULT ''
);

-- Create an execution in the transaction of somebody else, whose session knows nothing of this schema; `p_row` has the
-- columns of a new execution. Workers are told when that transaction commits. A session that is in no transaction has
-- another one at each statement: then it is `apart`, and nothing is done. Whoever may use the schema may do this.
CREATE FUNCTION create_in(
    p_row text, p_transaction text, OUT outcome text, OUT workflow text, OUT input text
) LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    wanted new_execution := jsonb_populate_record(NULL::new_execution, p_row::jsonb);
BEGIN
    IF pg_current_xact_id()::text <> p_transaction THEN
        outcome := 'apart';
        RETURN;
    END IF;
    SELECT 'known', e.workflow, encode(e.input, 'hex') INTO outcome, workflow, input
    FROM executions AS e WHERE e.id = wanted.id;
    IF outcome IS NULL AND cardinality(write('{}', NULL, NULL, ARRAY[wanted], NULL, NULL, NULL, NULL)) = 0 THEN
        outcome := 'created';
        PERFORM pg_notify(current_schema(), 'ready');
    ELSIF outcome IS NULL THEN -- somebody else has created it meanwhile
        SELECT 'known', e.workflow, encode(e.input, 'hex') INTO outcome, workflow, input
        FROM executions AS e WHERE e.id = wanted.id;
    END IF;
END
$$;
-- Whatever that session's search path and temporary tables are.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION create_in(text, text) SET search_path = %I, pg_temp', current_schema());
END
$$;
