"""The models that travel between the API and its clients: one definition for both ends."""
