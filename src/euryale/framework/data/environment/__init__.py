"""The folder that Alembic runs from; every module's migrations share it."""
