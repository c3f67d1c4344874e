SELECT to_regnamespace(quote_ident($1)) IS NOT NULL;
