"""What drives executions: one role a file."""
