"""Where executions are written: one contract, a member in memory, one on SQLite."""
