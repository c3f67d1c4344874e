"""The module notes."""
