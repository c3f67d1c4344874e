"""The store of many workers: one PostgreSQL database, shared by processes on any machines."""

from euryale.workflows.stores.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
