SELECT outcome, execution_id, workflow, input FROM "schema".create_in($1, $2, $3);
