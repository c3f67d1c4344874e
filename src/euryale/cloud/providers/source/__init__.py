"""Where the code comes from."""
