"""Pushes to the platform's own remotes: who may, and what follows."""

from typing import Final

from euryale.cloud.modules.access import Access
from euryale.cloud.modules.ledger import Family, Ledger
from euryale.cloud.modules.projects import Projects, UnknownProjectError
from euryale.cloud.providers.source.remotes import Push
from euryale.cloud.workflows.operations import Operations
from euryale.kit.errors import UnauthorizedError
from euryale.kit.secret import Secret

_PUSH: Final = "git-receive-pack"


class Pushes:
    """Takes note of pushes: a branch that moved is deployed, one that is gone loses its preview."""

    def __init__(self, access: Access, projects: Projects, operations: Operations, ledger: Ledger) -> None:
        self._access = access
        self._projects = projects
        self._operations = operations
        self._ledger = ledger

    async def authorize(self, _user: str, password: Secret, name: str, service: str) -> bool:
        """Say whether a token may read from or push to a repository; it may be made by this very push."""
        try:
            await self._access.authenticate(password)
        except UnauthorizedError:
            return False
        if service == _PUSH:
            await self._ledger.intend(Family.SOURCE, name, project=name, execution="")
        return True

    async def take(self, push: Push) -> None:
        """Start what follows from a push; a repository without a project has nothing to follow yet."""
        try:
            project = await self._projects.get(push.name)
        except UnknownProjectError:
            return
        for change in push.changes:
            if change.branch is not None:
                await self._operations.branch_moved(project, change.branch, change.after, cause="push")
