"""How SQLite is opened: its pragmas, and transactions that begin when we say so.

The journal stays in DELETE mode on purpose: the SQLite of Python's standard library is often one of 3.7.0 to
3.51.2, whose write-ahead log can lose committed data when it is reset (mended in 3.51.3).
"""

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

MODE_OPTION: Final = "euryale_mode"


class Mode(StrEnum):
    """What a transaction is for."""

    READ = "read"
    WRITE = "write"
    MIGRATE = "migrate"


# migrating replaces tables, and dropping the old one must not cascade: so foreign keys are off meanwhile
_PRAGMAS: Final[dict[Mode, dict[str, str]]] = {
    Mode.READ: {"query_only": "ON", "foreign_keys": "ON", "busy_timeout": "{patience}"},
    Mode.WRITE: {"query_only": "OFF", "foreign_keys": "ON", "busy_timeout": "{patience}"},
    Mode.MIGRATE: {"query_only": "OFF", "foreign_keys": "OFF", "busy_timeout": "600000"},
}
# a writer takes the lock at once: one that began as a reader could not wait for it, and would fail instead
_BEGIN: Final = {Mode.READ: "BEGIN", Mode.WRITE: "BEGIN IMMEDIATE", Mode.MIGRATE: "BEGIN EXCLUSIVE"}


def prepare_sqlite(engine: Engine, *, patience: float) -> None:
    """Make an engine's connections safe, and its transactions begin as their mode says.

    Args:
        engine: The engine under the asynchronous one.
        patience: Seconds to wait for another writer.
    """

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # the driver would begin by itself, late and without the lock; now the event below begins
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=DELETE")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = Mode(connection.get_execution_options().get(MODE_OPTION, Mode.WRITE))
        former = connection.info.get(MODE_OPTION)
        known = _PRAGMAS[former] if former is not None else {}
        for name, value in _PRAGMAS[mode].items():
            if known.get(name) != value:
                connection.exec_driver_sql(f"PRAGMA {name}={value.format(patience=int(patience * 1000))}")
        connection.info[MODE_OPTION] = mode
        connection.exec_driver_sql(_BEGIN[mode])


def is_busy(error: OperationalError) -> bool:
    """Return whether SQLite refused because another writer was at work for too long."""
    return "database is locked" in str(error.orig) or "database table is locked" in str(error.orig)
