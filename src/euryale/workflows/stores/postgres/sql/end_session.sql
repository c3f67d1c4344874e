SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE application_name = ANY ($1::text[]) AND usename = current_user AND pid <> pg_backend_pid();
