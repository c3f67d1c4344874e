"""The contract of the database family: projects hold branches, a branch is a database with its own data."""

from dataclasses import dataclass
from typing import Protocol

from euryale.kit.secret import Secret


@dataclass(frozen=True, slots=True)
class Branch:
    """A database that can be connected to.

    Attributes:
        project: The handle of the project that it belongs to.
        name: Its handle; unique within the project.
        url: ``postgresql://role:password@host:port/database``.
    """

    project: str
    name: str
    url: Secret


class Database(Protocol):
    """Postgres for each environment.

    Names are given by the caller: lower-case letters, digits and dashes, at most 63 characters, anything else is a
    ``PermanentError``. Creating what exists adopts it; destroying what is gone is done. Every method may be
    repeated after an unknown outcome.
    """

    async def create_project(self, project: str) -> None:
        """Make room for a project's branches."""
        ...

    async def destroy_project(self, project: str) -> None:
        """Delete the project with all of its branches, running or not."""
        ...

    async def create_branch(self, project: str, name: str, *, base: str | None = None) -> Branch:
        """Make a database, started and ready for connections.

        Args:
            project: The project's handle; made if missing.
            name: The new branch's handle.
            base: The branch whose data it starts with, copied while that keeps serving; None: it starts empty.

        Raises:
            GoneError: If ``base`` does not exist.
        """
        ...

    async def connect(self, project: str, name: str) -> Branch:
        """Return the branch, started if it was suspended or had died.

        Raises:
            GoneError: If it does not exist.
        """
        ...

    async def suspend(self, project: str, name: str) -> None:
        """Stop the branch's processes and keep its data; done if it is suspended or gone."""
        ...

    async def destroy_branch(self, project: str, name: str) -> None:
        """Delete the branch and its data."""
        ...

    async def inventory(self) -> frozenset[str]:
        """Return what really exists, as ``project`` and ``project/branch``: for the audit."""
        ...
