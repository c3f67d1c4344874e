"""Keeps an artifact's processes running."""
