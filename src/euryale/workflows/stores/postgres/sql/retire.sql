SELECT retire($1, false);
