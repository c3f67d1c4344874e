SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()),
    pg_current_xact_id()::text
FROM pg_control_system();
