SELECT to_regclass(format('%I.versions', $1::text)) IS NOT NULL;
