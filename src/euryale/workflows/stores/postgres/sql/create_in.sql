SELECT outcome, workflow, input FROM "schema".create_in($1, $2);
