"""The platform's independent parts: each knows its own tables and nothing of the others."""
