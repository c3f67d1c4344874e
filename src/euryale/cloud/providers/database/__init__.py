"""Postgres for each environment."""
