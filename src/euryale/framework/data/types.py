"""Column types: aware time in UTC, encrypted text, JSON."""

from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from euryale.framework.data.errors import DataError, EncryptionError
from euryale.framework.data.keys import KeyRing
from euryale.kit.secret import Secret

# a column type knows the dialect of its engine, but not the engine: so a database leaves its keys here
_rings: WeakKeyDictionary[Dialect, KeyRing] = WeakKeyDictionary()


def register_keys(dialect: Dialect, ring: KeyRing) -> None:
    """Let the encrypted columns of one engine use these keys."""
    _rings[dialect] = ring


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware, in UTC, on SQLite as well, which stores no zone.

    Raises:
        DataError: If a value without a zone is stored.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = DateTime(timezone=True)
    cache_ok: bool | None = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the value in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise DataError(f"{value!r} has no time zone", hint="Take the time from euryale.kit.clock.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the stored value with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class EncryptedText(TypeDecorator[Secret]):
    """A ``Secret``, encrypted at rest with the database's key ring. It cannot be searched for."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def process_bind_param(self, value: Secret | None, dialect: Dialect) -> str | None:
        """Return the value encrypted under the ring's first key."""
        if value is None:
            return None
        if not isinstance(value, Secret):
            raise EncryptionError("an encrypted column takes a Secret", hint="Wrap the text: Secret(text).")
        return _ring(dialect).encrypt(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Secret | None:
        """Return the stored value decrypted."""
        return None if value is None else _ring(dialect).decrypt(value)


def _ring(dialect: Dialect) -> KeyRing:
    try:
        return _rings[dialect]
    except KeyError:
        raise EncryptionError(
            "an encrypted column is used, but the database has no keys",
            hint="Make a key with KeyRing.new_key() and give it: Database(url, keys=KeyRing([key])).",
        ) from None
