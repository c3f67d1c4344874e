"""The file: whether it can be a store, and if not, what is wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from euryale.workflows.errors import StoreError, UnusableStoreError
from euryale.workflows.stores.sqlite.statements import SQL

RESTORE: Final = "Restore it from a backup, or use another file; `sqlite3 FILE .recover` shows what can still be read."
_ANOTHER: Final = "Give the store a file of its own."
_ANOTHER_OR_RESTORE: Final = "Give the store a file of its own; if this was it, restore it from a backup."
_ELSEWHERE: Final = "Use another path."
_RIGHTS: Final = "Let the user of this process read and write it, and its folder: SQLite keeps files beside it."


def refused(path: Path, error: OSError) -> StoreError:
    """Return what it means for the store that its files cannot be made or opened."""
    match error:
        case IsADirectoryError():
            return UnusableStoreError(f"{path} is a folder.", hint=f"Name a file in it: {path / 'executions.db'}.")
        case FileExistsError() | NotADirectoryError():
            return UnusableStoreError(
                f"{path} cannot be made: {error.filename} is no folder.", hint="Use another path."
            )
        case PermissionError():
            return UnusableStoreError(f"{path} cannot be used: {error.strerror}.", hint=_RIGHTS)
        case _:
            return StoreError(f"{path} cannot be used: {error}.", hint="Check the path, and the disk that it is on.")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say what SQLite means when it opens a file and cannot use it."""
    try:
        yield
    except apsw.NotADBError as error:
        raise UnusableStoreError(
            f"{path} is not a database: it is something else, or damaged.", hint=_ANOTHER_OR_RESTORE
        ) from error
    except apsw.CorruptError as error:
        raise UnusableStoreError(f"{path} is damaged: {error}.", hint=RESTORE) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError) as error:
        raise UnusableStoreError(f"{path} cannot be used: {error}.", hint=_RIGHTS) from error


def version_of(connection: apsw.Connection, path: Path, known: int) -> int:
    """Return which version of the schema a file has; 0: it is empty.

    Raises:
        UnusableStoreError: If it is a database of something else, or of a later version than ``known``.
    """
    found: list[Any] = connection.execute(SQL.identify).fetchall()
    version, is_used, is_store = found[0]
    if not is_store and (is_used or version):
        raise UnusableStoreError(f"{path} is a database of something else than a store.", hint=_ANOTHER)
    if version > known:
        raise UnusableStoreError(
            f"{path} was made by a later version of Euryale (schema {version}, known are {known}).",
            hint="Use that version, or another file.",
        )
    return int(version)
