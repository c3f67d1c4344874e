"""The one connection to the file, and the thread that alone uses it."""

import asyncio
import contextlib
import fcntl
import functools
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import apsw

from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.workflows.errors import StoreError, StoreLockedError, UnusableStoreError, UnwritableError
from euryale.workflows.stores.sqlite.file import RESTORE, explained, refused, version_of
from euryale.workflows.stores.sqlite.pace import Pace

T = TypeVar("T")
Durability = Literal["full", "process"]

_PRIVATE = 0o600  # inputs and results are nobody else's business
_BUSY_FOR = 5000  # milliseconds
_LONGEST_LOG = 1000
"""Pages; what SQLite takes when it is not told."""
_NOT_YET = "It is made when an engine opens it first."
_SYNCHRONOUS = {"full": "FULL", "process": "NORMAL"}
_HOPELESS = (apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError, apsw.RangeError, apsw.SQLError)
"""What waiting does not mend: the statement is at fault."""
_DAMAGED = (apsw.CorruptError, apsw.NotADBError)
"""Nor that: the file is."""


class FileLock:
    """An exclusive lock on a file beside the database; the kernel lets go of it when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take it, at once.

        Raises:
            StoreLockedError: If another process has it.
            OSError: If the file cannot be made.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._path.read_text("utf-8").strip() or "unknown"
            os.close(descriptor)
            raise StoreLockedError(
                f"{self._path} is held by process {holder}.", hint="Stop it, or use another file for this process."
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class WriterThread:
    """Runs functions on the connection, one after the other: in one thread, or what is short in the event loop's."""

    def __init__(self, path: Path, durability: Durability, clock: Clock = SYSTEM_CLOCK) -> None:
        self._path = path
        self._durability = durability
        self._lock = FileLock(path.with_name(f"{path.name}.lock"))
        self._thread: ThreadPoolExecutor | None = None
        self._last: Future[Any] | None = None
        self._pace = Pace(clock)
        self._unwritten_pages = 0
        self._connection: apsw.Connection | None = None
        self._busy_for = -1

    async def open(self, migrations: Sequence[str]) -> None:
        """Take the file, and bring its schema up to date: each migration is done once, whole or not at all.

        Raises:
            StoreLockedError: If another process has it.
            UnusableStoreError: If it is no store, is damaged, cannot be written, or was made by a later version.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE))
        except OSError as error:
            self._lock.release()
            raise refused(self._path, error) from error
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="euryale-sqlite")
        await self._begin(migrations)

    async def _begin(self, migrations: Sequence[str]) -> None:
        def connect(_: object) -> None:
            with explained(self._path):
                self._connect(migrations)

        try:
            await self.run(connect, connected=False)
        except BaseException:
            await self.close()
            raise

    def _connect(self, migrations: Sequence[str]) -> None:
        connection = self._connection = apsw.Connection(str(self._path))
        self._busy_for = -1
        self._wait_for_others(_BUSY_FOR)
        done = version_of(connection, self._path, len(migrations))  # before anything in it is changed
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", _SYNCHRONOUS[self._durability])
        connection.set_wal_hook(self._take_note)
        for number, migration in enumerate(migrations[done:], done + 1):
            with transaction(connection):
                connection.execute(migration)
                connection.pragma("user_version", number)

    async def close(self) -> None:
        """Close the connection and let go of the file."""
        if self._thread is not None:
            if self._connection is not None:
                await self.run(lambda connection: connection.close())
                self._connection = None
            self._thread.shutdown()
            self._thread = None
        self._lock.release()

    async def run(self, function: Callable[[apsw.Connection], T], *, connected: bool = True) -> T:
        """Run ``function(connection)`` in the thread. What was begun is finished even if the caller is cancelled.

        Raises:
            StoreError: If SQLite fails, or the store is not open.
        """
        if self._thread is None or (connected and self._connection is None):
            raise StoreError("The store is not open.")
        work = functools.partial(self._translated, function)
        self._last = running = self._thread.submit(work)
        try:
            return await asyncio.shield(asyncio.wrap_future(running))
        finally:
            self._empty_log()

    async def run_short(self, function: Callable[[apsw.Connection], T]) -> T:
        """Run a function that takes no longer than a commit: at once, in the event loop, if the disk is quick.

        Raises:
            StoreError: As :meth:`run` does; also if another process is just writing to the file.
        """
        return (
            self.run_at_once(function)
            if self.is_quick
            else await self.run(functools.partial(self._pace.measure, function))
        )

    @property
    def is_quick(self) -> bool:
        """Whether what is short may be run at once: the disk has been quick, and the thread is idle."""
        return self._connection is not None and self._pace.is_quick and (self._last is None or self._last.done())

    def run_at_once(self, function: Callable[[apsw.Connection], T]) -> T:
        """Run a short function in the event loop; :attr:`is_quick` says whether it may be.

        Raises:
            StoreError: As :meth:`run_short` does.
        """
        if self._connection is None:
            raise StoreError("The store is not open.")
        try:
            self._wait_for_others(0)
            return self._pace.measure(function, self._connection)
        except apsw.Error as error:
            raise self._translation(error) from error
        finally:
            if self._unwritten_pages >= _LONGEST_LOG:
                self._empty_log()

    def _take_note(self, _: apsw.Connection, __: str, pages: int) -> int:
        """Take note of the length of the write-ahead log; called by SQLite after each commit."""
        self._unwritten_pages = pages
        return apsw.SQLITE_OK

    def _empty_log(self) -> None:
        """Have a log that is long enough written into the file: in the thread always, as it takes its time."""
        if self._unwritten_pages >= _LONGEST_LOG and self._thread is not None and self._connection is not None:
            self._unwritten_pages = 0
            self._last = self._thread.submit(self._write_log, self._connection)

    @staticmethod
    def _write_log(connection: apsw.Connection) -> None:
        with contextlib.suppress(apsw.Error):  # what it holds is durable, and the next commit finds it too long again
            connection.wal_checkpoint()

    def _wait_for_others(self, milliseconds: int) -> None:
        """Wait so long for another process that is just writing: never in the event loop."""
        if self._connection is not None and self._busy_for != milliseconds:
            self._connection.set_busy_timeout(milliseconds)
            self._busy_for = milliseconds

    def _translated(self, function: Callable[[Any], T]) -> T:
        try:
            self._wait_for_others(_BUSY_FOR)
            return function(self._connection)
        except apsw.Error as error:
            raise self._translation(error) from error

    def _translation(self, error: apsw.Error) -> StoreError:
        if isinstance(error, apsw.FullError):
            return StoreError("The disk is full; nothing was written.", hint="Free space; work then goes on.")
        if isinstance(error, _DAMAGED):
            return UnwritableError(f"{self._path} is damaged: {error}.", hint=RESTORE)
        return (UnwritableError if isinstance(error, _HOPELESS) else StoreError)(f"{self._path}: {error}")


class ReaderThread(WriterThread):
    """Does the same over a connection that cannot write, beside the one process that may."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "process")

    async def open(self, migrations: Sequence[str]) -> None:
        """Open the file as it is.

        Raises:
            StoreError: If there is none.
            UnusableStoreError: If it is no store, is damaged, cannot be read, or was made by another version.
        """
        try:
            is_folder = stat.S_ISDIR(self._path.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(f"There is no store {self._path}.", hint=_NOT_YET) from None
        except OSError as error:
            raise refused(self._path, error) from error
        if is_folder:
            raise refused(self._path, IsADirectoryError())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="euryale-sqlite-reader")
        await self._begin(migrations)

    def _connect(self, migrations: Sequence[str]) -> None:
        self._connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        self._busy_for = -1
        self._wait_for_others(_BUSY_FOR)
        done = version_of(self._connection, self._path, len(migrations))
        if not done:
            raise StoreError(f"{self._path} is empty: it is no store yet.", hint=_NOT_YET)
        if done != len(migrations):
            raise UnusableStoreError(
                f"{self._path} was made by an earlier version of Euryale (schema {done}, known is {len(migrations)}).",
                hint="Use that version, or let an engine of this one open it, which migrates it.",
            )


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """Write all or nothing."""
    if connection.in_transaction:  # an earlier one could not even be rolled back
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(apsw.Error):
            connection.execute("ROLLBACK")
        raise
