"""The command ``euryale``: one more caller of the platform's API."""
