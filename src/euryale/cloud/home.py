"""The platform's directory: where everything it keeps lies, with its keys and its token."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from euryale.cloud.host.errors import DirectoryInUseError, HostError
from euryale.cloud.host.guard import held, occupant, occupied
from euryale.cloud.host.procfs import Identity
from euryale.kit.ids import new_id, new_token
from euryale.kit.secret import Secret

_PASSABLE = 0o711  # the accounts of databases and applications pass through to what is theirs; they cannot list it
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Home:
    """The directory of one platform.

    Attributes:
        path: Where it is, absolute.
    """

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Home":
        """Return the home at a path, made with its keys if missing.

        Raises:
            HostError: If it cannot be made or written.
        """
        home = cls(_absolute(path))
        try:
            home.path.mkdir(parents=True, exist_ok=True)
            home.path.chmod(_PASSABLE)
            _keep(home.path / "key", Fernet.generate_key().decode())
            _keep(home.path / "token", new_token("eury"))
            _keep(home.path / "webhook-secret", new_token("whsec"))
            home.control.touch(_PRIVATE)
            home.control.chmod(_PRIVATE)
        except OSError as error:
            raise _unusable(home.path, error) from error
        return home

    @classmethod
    def existing(cls, path: Path) -> "Home":
        """Return the home that a platform has made at a path.

        Raises:
            HostError: If there is none.
        """
        home = cls(_absolute(path))
        if not (home.path / "key").is_file():
            raise HostError(f"No platform has its directory in {home.path}.", hint="Say where it is: --data DIRECTORY")
        return home

    @property
    def key(self) -> Secret:
        """The key that encrypts secrets at rest."""
        return _read(self.path / "key")

    @property
    def token(self) -> Secret:
        """The owner's API token."""
        return _read(self.path / "token")

    @property
    def webhook_secret(self) -> Secret:
        """The secret that signs outgoing notifications."""
        return _read(self.path / "webhook-secret")

    @property
    def control(self) -> Path:
        """The database of the platform's own records."""
        return self.path / "control.sqlite3"

    @property
    def executions(self) -> Path:
        """The file of all workflow executions."""
        return self.path / "workflows.sqlite3"

    @property
    def in_use(self) -> bool:
        """Whether somebody has it for themselves."""
        return held(self._lock)

    @property
    def user(self) -> Identity | None:
        """The process that has it for itself, if there is one."""
        return occupant(self._lock)

    @asynccontextmanager
    async def sole_use(self) -> AsyncIterator[None]:
        """Have it for this process alone; the kernel gives it back when the process ends, however it ends.

        Raises:
            DirectoryInUseError: If another process has it.
        """
        async with occupied(self._lock) as taken:
            if not taken:
                raise self.conflict()
            yield

    def announce(self, url: str) -> None:
        """Write down where the API is, for the command line on this machine.

        Raises:
            HostError: If it cannot be written.
        """
        try:
            (self.path / "url").write_text(f"{url}\n", "utf-8")
        except OSError as error:
            raise _unusable(self.path, error) from error

    def conflict(self) -> DirectoryInUseError:
        """Return the error that says who has it."""
        user = self.user
        known = [f"process {user.pid}"] if user is not None else []
        with suppress(OSError):
            known.append(f"last at {(self.path / 'url').read_text('utf-8').strip()}")
        return DirectoryInUseError(
            f"A platform runs over {self.path} already ({', '.join(known)}).",
            hint=f"Use that one, or end it: euryale down --data {self.path}\n"
            "Or give this one a directory and ports of its own: --data, --port, --http-port",
        )

    @property
    def _lock(self) -> Path:
        return self.path / "lock"


def _keep(path: Path, text: str) -> None:
    """Write a file that only its owner reads, unless it is there; it is there whole or not at all."""
    if path.exists():
        return
    partial = path.with_name(f".{path.name}.{new_id('new')}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "w") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(partial)
    finally:
        partial.unlink(missing_ok=True)


def _read(path: Path) -> Secret:
    try:
        return Secret(path.read_text("utf-8").strip())
    except OSError as error:
        raise _unusable(path.parent, error) from error


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _unusable(directory: Path, error: OSError) -> HostError:
    return HostError(
        f"The platform's directory {directory} cannot be used: {error.strerror}.",
        hint="Choose another one: euryale up --data DIRECTORY",
    )
