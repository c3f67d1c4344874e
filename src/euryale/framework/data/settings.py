"""The settings of a database, and opening one from them."""

from collections.abc import AsyncIterator
from typing import Annotated

from pydantic import Field

from euryale.framework.config import KnownAs, SecretField, Settings
from euryale.framework.data.database import Database
from euryale.framework.data.keys import KeyRing


class DatabaseSettings(Settings):
    """Where the database is, and what encrypts it: a section for an application's settings."""

    url: Annotated[SecretField, KnownAs("DATABASE_URL")] = Field(
        description="sqlite:///path/to/file or postgresql://user:password@host/name"
    )
    encryption_keys: tuple[SecretField, ...] = Field(
        default=(), description="keys of encrypted columns, the one to encrypt with first"
    )
    patience: float = Field(default=10.0, gt=0, description="seconds to wait for a connection or another writer")
    connections: int = Field(default=5, ge=1, le=100, description="connections that are kept open")


async def open_database(settings: DatabaseSettings) -> AsyncIterator[Database]:
    """Provide the database that the settings name; its connections are closed at the end."""
    keys = KeyRing(settings.encryption_keys) if settings.encryption_keys else None
    database = Database(settings.url, keys=keys, patience=settings.patience, connections=settings.connections)
    try:
        yield database
    finally:
        await database.close()
