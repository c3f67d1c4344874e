"""Makes an artifact from a commit."""
