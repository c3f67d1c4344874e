SELECT pg_advisory_xact_lock(hashtextextended('euryale ' || $1, 0));
