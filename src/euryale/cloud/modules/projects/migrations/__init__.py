"""The migrations of the module, oldest first."""
