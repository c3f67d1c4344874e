"""What is known of an execution: rows, journal entries, and how an entry changes a record. Pure."""
