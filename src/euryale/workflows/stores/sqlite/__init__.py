"""The embedded store: one SQLite file, owned by one process."""

from euryale.workflows.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
