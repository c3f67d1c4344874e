-- Who wrote an entry, where that is somebody else than wrote the one before. `write` is patched where it stands, so that
-- what else came to be in it stays.
ALTER TABLE entries ADD COLUMN worker text NOT NULL DEFAULT '';
ALTER TYPE new_entry ADD ATTRIBUTE worker text;
DO $$
DECLARE
    former text := pg_get_functiondef('write'::regproc);
    patched text := regexp_replace(
        former, 'undo, message(?=\s*(\)\s*SELECT|FROM unnest\(p_entries\)))', 'undo, message, worker', 'g'
    );
BEGIN
    IF cardinality(string_to_array(patched, 'undo, message, worker')) <> 3 THEN
        RAISE EXCEPTION 'the function write inserts entries in a way that this migration does not know';
    END IF;
    EXECUTE patched;
END
$$;
