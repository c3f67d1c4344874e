"""The platform's directory: where everything it keeps lies, with its keys and its token."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from euryale.cloud.host.errors import HostError
from euryale.kit.ids import new_token
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
        home = cls(path.expanduser().absolute())
        try:
            home.path.mkdir(parents=True, exist_ok=True)
            home.path.chmod(_PASSABLE)
            _keep(home.path / "key", Fernet.generate_key().decode())
            _keep(home.path / "token", new_token("eury"))
            _keep(home.path / "webhook-secret", new_token("whsec"))
        except OSError as error:
            raise HostError(
                f"The platform's directory {home.path} cannot be used: {error.strerror}.",
                hint="Choose another one: euryale up --data DIRECTORY",
            ) from error
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

    def announce(self, url: str) -> None:
        """Write down where the API is, for the command line on this machine."""
        (self.path / "url").write_text(f"{url}\n", "utf-8")


def _keep(path: Path, text: str) -> None:
    """Write a file that only its owner reads, unless it is there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")


def _read(path: Path) -> Secret:
    return Secret(path.read_text("utf-8").strip())
