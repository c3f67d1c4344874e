"""The platform's operations: one workflow a file, its steps beside it."""
