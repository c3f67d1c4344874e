"""Steps that several workflows share, by what they touch."""
