"""Tells people and programs what happened."""
