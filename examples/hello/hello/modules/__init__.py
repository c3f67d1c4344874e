"""The independent parts of the application."""
