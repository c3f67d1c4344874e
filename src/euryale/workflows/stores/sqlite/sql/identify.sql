SELECT
    (SELECT user_version FROM pragma_user_version),
    EXISTS (SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT GLOB 'sqlite_*'),
    EXISTS (SELECT 1 FROM pragma_table_info('executions') WHERE name = 'plan_hash');
