"""A room of the application notebook."""
