"""The contract of the source family."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from euryale.cloud.providers.errors import PermanentError


class UnknownRepositoryError(PermanentError):
    """There is no repository at that address, or it is not a Git repository. Check the address."""

    code = "cloud.source.unknown_repository"


class EmptyRepositoryError(PermanentError):
    """The repository has no commit yet. Push one, then try again."""

    code = "cloud.source.empty_repository"


class UnknownRefError(PermanentError):
    """The repository has no such branch or commit. The message lists the branches it has."""

    code = "cloud.source.unknown_ref"


class InvalidRepositoryError(PermanentError):
    """The address is not one that the platform will hand to git. The message says what is accepted."""

    code = "cloud.source.invalid_repository"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit.

    Attributes:
        sha: The full hash, 40 (or 64) lower-case hex digits.
        message: The first line.
        author: Name of the author.
        at: When it was made, aware.
    """

    sha: str
    message: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Repository:
    """What was found at an address.

    Attributes:
        address: The address in its normal form.
        default_branch: What its HEAD names.
        branches: Branch names and the hashes they point at.
    """

    address: str
    default_branch: str
    branches: Mapping[str, str]


class Source(Protocol):
    """Where code comes from.

    Every method raises :class:`InvalidRepositoryError`, :class:`UnknownRepositoryError`,
    ``AccessDeniedError`` or ``ProviderUnavailableError`` as fits; none of them ever prompts.
    """

    async def inspect(self, address: str) -> Repository:
        """Look at the repository.

        Raises:
            EmptyRepositoryError: If it has no commit.
        """
        ...

    async def resolve(self, address: str, ref: str) -> Commit:
        """Return the commit that a branch or a full hash names.

        Raises:
            UnknownRefError: If there is none, or ``ref`` is no valid name.
            EmptyRepositoryError: If the repository has no commit.
        """
        ...

    async def files(self, address: str, commit: str) -> Mapping[str, int]:
        """Return the paths of the commit's regular files, and their sizes in bytes."""
        ...

    async def read(self, address: str, commit: str, path: str) -> bytes:
        """Return one file of the commit (``files`` tells which there are).

        Raises:
            UnknownRefError: If the commit has no such file.
        """
        ...

    async def checkout(self, address: str, commit: str, into: Path) -> None:
        """Write the commit's files into the empty or missing directory ``into``, without a ``.git``.

        Symbolic links that lead out of ``into`` are refused with a ``PermanentError``. Doing it again over a
        checkout that was interrupted gives a whole one.
        """
        ...

    async def sweep(self, used: Collection[str]) -> None:
        """Delete what is kept of repositories that are none of these and that nobody has asked for in the last hour.

        Args:
            used: Addresses of the repositories that projects are made from; others may be asked for again all the same.
        """
        ...
