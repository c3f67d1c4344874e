"""Pushes to the platform's own remotes: who may, and what follows."""

import logging
from typing import Final

from euryale.cloud.modules.access import Access
from euryale.cloud.modules.ledger import Family, Ledger
from euryale.cloud.modules.projects import Project, Projects
from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.providers.source.remotes import Push, Remotes
from euryale.cloud.workflows.operations import Operations
from euryale.kit.errors import ConflictError, NotFoundError, UnauthorizedError
from euryale.kit.secret import Secret

_log = logging.getLogger("euryale.cloud")

_PUSH: Final = "git-receive-pack"


class Pushes:
    """Takes note of pushes: a branch that moved is deployed, one that is gone loses its preview."""

    def __init__(
        self, access: Access, projects: Projects, operations: Operations, remotes: Remotes, ledger: Ledger
    ) -> None:
        self._access = access
        self._remotes = remotes
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
        """Start what follows from a push; a repository without a project has nothing to follow yet.

        What can never be followed is logged and left to the reconciler, so that it holds nothing else up.
        """
        for project in await self._projects.by_repository(self._remotes.address(push.name)):
            for change in push.changes:
                if change.branch is not None:
                    await self._follow(project, change.branch)

    async def _follow(self, project: Project, branch: str) -> None:
        try:
            await self._operations.branch_moved(project, branch, cause="push")
        except (PermanentError, ConflictError, NotFoundError) as error:
            _log.warning("the push to %s of %s leads to nothing: %s", branch, project.name, error)
