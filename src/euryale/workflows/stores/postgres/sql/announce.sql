SELECT pg_notify($1, notice) FROM unnest($2::text[]) AS notice;
