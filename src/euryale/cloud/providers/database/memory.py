"""A database provider that only remembers what it was asked for: for tests of the workflows above it."""

from euryale.cloud.providers.database.contract import Branch
from euryale.cloud.providers.database.names import checked_name
from euryale.cloud.providers.errors import GoneError
from euryale.kit.secret import Secret


class MemoryDatabase:
    """Keeps the inventory in memory and hands out URLs that are well formed but lead nowhere.

    Attributes:
        suspended: The ``project/branch`` of every branch that is suspended now.
    """

    def __init__(self) -> None:
        self._projects: dict[str, dict[str, Branch]] = {}
        self._made = 0
        self.suspended: set[str] = set()

    async def create_project(self, project: str) -> None:
        """Remember the project."""
        self._projects.setdefault(checked_name(project), {})

    async def destroy_project(self, project: str) -> None:
        """Forget the project and its branches."""
        for name in self._projects.pop(checked_name(project), {}):
            self.suspended.discard(f"{project}/{name}")

    async def create_branch(self, project: str, name: str, *, base: str | None = None) -> Branch:
        """Remember the branch and invent its URL.

        Raises:
            GoneError: If ``base`` is not known.
        """
        checked_name(name)
        branches = self._projects.get(checked_name(project), {})
        if name in branches:
            return await self.connect(project, name)
        if base is not None and checked_name(base) not in branches:
            raise GoneError(f"There is no database branch {project}/{base} to copy.")
        self._made += 1
        url = Secret(f"postgresql://app:password-{self._made}@database.invalid:5432/app")
        branch = Branch(project, name, url)
        self._projects.setdefault(project, {})[name] = branch
        return branch

    async def connect(self, project: str, name: str) -> Branch:
        """Return the branch, no longer suspended.

        Raises:
            GoneError: If it is not known.
        """
        branch = self._projects.get(checked_name(project), {}).get(checked_name(name))
        if branch is None:
            raise GoneError(f"There is no database branch {project}/{name}.")
        self.suspended.discard(f"{project}/{name}")
        return branch

    async def suspend(self, project: str, name: str) -> None:
        """Note that the branch is suspended."""
        if checked_name(name) in self._projects.get(checked_name(project), {}):
            self.suspended.add(f"{project}/{name}")

    async def destroy_branch(self, project: str, name: str) -> None:
        """Forget the branch."""
        self._projects.get(checked_name(project), {}).pop(checked_name(name), None)
        self.suspended.discard(f"{project}/{name}")

    async def inventory(self) -> frozenset[str]:
        """Return every project and branch that is remembered."""
        branches = (f"{project}/{name}" for project, names in self._projects.items() for name in names)
        return frozenset(self._projects).union(branches)
