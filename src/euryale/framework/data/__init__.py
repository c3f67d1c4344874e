"""SQL data: models, the database and its unit of work, encrypted columns, migrations."""

from euryale.framework.data.database import Database, Session
from euryale.framework.data.errors import (
    CommitRefusedError,
    DatabaseUnavailableError,
    DataError,
    DuplicateRecordError,
    EncryptionError,
    MigrationError,
)
from euryale.framework.data.keys import KeyRing
from euryale.framework.data.migrations import make_migration, migrate, schema_differences
from euryale.framework.data.models import Model, Timestamped, id_column
from euryale.framework.data.rotation import reencrypt
from euryale.framework.data.schema import Schema
from euryale.framework.data.settings import DatabaseSettings, open_database
from euryale.framework.data.types import EncryptedText, UtcDateTime

__all__ = [
    "CommitRefusedError",
    "DataError",
    "Database",
    "DatabaseSettings",
    "DatabaseUnavailableError",
    "DuplicateRecordError",
    "EncryptedText",
    "EncryptionError",
    "KeyRing",
    "MigrationError",
    "Model",
    "Schema",
    "Session",
    "Timestamped",
    "UtcDateTime",
    "id_column",
    "make_migration",
    "migrate",
    "open_database",
    "reencrypt",
    "schema_differences",
]
