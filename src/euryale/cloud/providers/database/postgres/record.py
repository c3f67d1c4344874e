"""What the platform remembers of a branch: its port and its passwords, in a file that only the platform reads."""

import json
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from euryale.cloud.host.errors import HostError
from euryale.kit.secret import Secret

SUPERUSER = "postgres"
ROLE = "app_owner"
DATABASE = "app"
HOST = "127.0.0.1"

_PASSWORD_BYTES = 24


@dataclass(frozen=True, slots=True)
class BranchRecord:
    """A branch's port and passwords.

    Attributes:
        port: The TCP port on loopback that it had last; 0 before its first start.
        password: Of the role that owns the database; part of the URL.
        superuser_password: Of the superuser; used by the platform to make copies, never handed out.
    """

    port: int
    password: Secret
    superuser_password: Secret

    @classmethod
    def fresh(cls) -> "BranchRecord":
        """Return a record with new random passwords and no port yet."""
        return cls(0, _password(), _password())

    def at(self, port: int) -> "BranchRecord":
        """Return the record with another port."""
        return replace(self, port=port)

    def url(self) -> Secret:
        """Return the URL to connect with."""
        return Secret(f"postgresql://{ROLE}:{self.password.reveal()}@{HOST}:{self.port}/{DATABASE}")


def _password() -> Secret:
    return Secret(secrets.token_urlsafe(_PASSWORD_BYTES))


def read_record(path: Path) -> BranchRecord | None:
    """Return the record in ``path``; None if there is no such file.

    Raises:
        HostError: If the file is damaged.
    """
    try:
        fields = json.loads(path.read_text())
        return BranchRecord(
            int(fields["port"]), Secret(str(fields["password"])), Secret(str(fields["superuser_password"]))
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError):
        raise HostError(
            f"The file {path} is damaged.", hint="Restore it from a backup, or destroy the branch and make it again."
        ) from None


def write_record(path: Path, record: BranchRecord) -> None:
    """Replace the record in ``path`` at once, so that a crash leaves the old or the new one."""
    fields = {
        "port": record.port,
        "password": record.password.reveal(),
        "superuser_password": record.superuser_password.reveal(),
    }
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(fields, file)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make renames within ``directory`` survive a crash of the machine."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
