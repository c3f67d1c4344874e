-- A commit that ends an execution well is refused if a cancellation was kept that its worker has not heard of. Whoever
-- keeps a message counts it in the execution's row, so that row is locked and compared before anything of the commit is
-- written; it was locked anyway, a little later. `write` is patched where it stands.
ALTER TYPE touch ADD ATTRIBUTE heard bigint;
DO $$
DECLARE
    former text := pg_get_functiondef('write'::regproc);
    later text := $later$
    IF cardinality(p_touches) + cardinality(p_wakes) > 1 THEN -- in order, so that no two batches wait for each other
        touched := array(SELECT id FROM unnest(p_touches) UNION SELECT id FROM unnest(p_wakes));
        PERFORM FROM executions WHERE id = ANY (touched) ORDER BY id FOR NO KEY UPDATE;
    END IF;
$later$;
    entries text := $entries$
    IF cardinality(p_entries) > 0 THEN
$entries$;
    earlier text := $earlier$
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
$earlier$;
    declared text := E'    touched text[];\n';
BEGIN
    IF strpos(former, later) = 0 OR strpos(former, entries) = 0 OR strpos(former, declared) = 0 THEN
        RAISE EXCEPTION 'the function write locks what it touches in a way that this migration does not know';
    END IF;
    former := replace(former, later, E'\n');
    former := replace(former, declared, declared || E'    overtaken integer[];\n');
    EXECUTE replace(former, entries, earlier || entries);
END
$$;
