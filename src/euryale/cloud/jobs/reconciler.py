"""The reconciler: compares what should be with what is, at start and by the clock, so that nothing lost stays lost."""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final

from euryale.cloud.modules.ledger import Family, Ledger
from euryale.cloud.modules.projects import (
    Environment,
    EnvironmentKind,
    EnvironmentState,
    Project,
    Projects,
    ProjectState,
)
from euryale.cloud.providers.source.remotes import PushInbox, Remotes
from euryale.cloud.settings import PlatformSettings
from euryale.cloud.workflows.operations import Operations
from euryale.cloud.workflows.revival import Revival
from euryale.kit.errors import EuryaleError
from euryale.kit.lifecycle import Tasks
from euryale.kit.machine_time import utc_now

_log = logging.getLogger("euryale.cloud")

_NEVER_MADE_AFTER: Final = timedelta(hours=1)


class Reconciler:
    """Starts what a lost push should have started, and brings back what died with the machine."""

    def __init__(
        self,
        projects: Projects,
        remotes: Remotes,
        pushes: PushInbox,
        ledger: Ledger,
        operations: Operations,
        revival: Revival,
        settings: PlatformSettings,
    ) -> None:
        self._projects = projects
        self._remotes = remotes
        self._pushes = pushes
        self._ledger = ledger
        self._operations = operations
        self._revival = revival
        self._interval = settings.reconcile_every
        self._tasks = Tasks()

    async def start(self) -> None:
        """Bring back what is down, then look by the clock."""
        for project in await self._projects.all():
            for environment in await self._projects.environments(project.id):
                await self._attempt(project, self._revive(project, environment, completely=True))
        self._tasks.spawn(self._run(), name="reconciler")

    async def stop(self) -> None:
        """Stop looking."""
        await self._tasks.stop()

    async def _run(self) -> None:
        while True:
            try:
                await self.reconcile()
            except EuryaleError as error:
                _log.warning("the reconciler will look again: %s", error)
            except Exception:  # noqa: BLE001 -- one bad look must not be the last one
                _log.exception("the reconciler failed; it will look again")
            await asyncio.sleep(self._interval)

    async def reconcile(self) -> None:
        """Look once at everything; what goes wrong with one project keeps no other from being looked at."""
        await self._pushes.deliver()
        await self._remotes.sweep()
        await self._forget_never_made()
        projects = await self._projects.all()
        await self._operations.forget_copies(projects)
        for project in projects:
            match project.state:
                case ProjectState.READY:
                    await self._attempt(project, self._reconcile_project(project))
                case ProjectState.DELETING:
                    await self._attempt(project, self._operations.resume_deletion(project))
                case _:
                    pass

    async def _forget_never_made(self) -> None:
        """Strike out repositories that were written down for a push which was then refused.

        One that a project is made from stays in the ledger: that it is missing must be seen.
        """
        written = [each for each in await self._ledger.list() if each.family is Family.SOURCE]
        made = await self._remotes.inventory()
        for each in written:
            if each.name in made or utc_now() - each.created_at < _NEVER_MADE_AFTER:
                continue
            if not await self._projects.by_repository(self._remotes.address(each.name)):
                await self._ledger.forget(each.family, each.name)

    async def _attempt(self, project: Project, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except EuryaleError as error:
            _log.warning("%s: the reconciler will look again: %s", project.name, error)
        except Exception:  # noqa: BLE001 -- whatever is wrong with one project, the others are looked at
            _log.exception("%s: the reconciler failed; it will look again", project.name)

    async def _reconcile_project(self, project: Project) -> None:
        branches = await self._operations.heads(project)
        for branch, commit in branches.items():
            await self._attempt(project, self._follow(project, branch, commit))
        for environment in await self._projects.environments(project.id):
            if environment.kind is EnvironmentKind.PREVIEW and environment.branch not in branches:
                gone = self._operations.branch_moved(project, environment.branch, cause="reconciled")
                await self._attempt(project, gone)
            else:
                await self._attempt(project, self._look_after(project, environment))

    async def _follow(self, project: Project, branch: str, commit: str) -> None:
        wanted = branch == project.branch or project.previews
        if wanted and not await self._operations.is_current(project, branch, commit):
            await self._operations.branch_moved(project, branch, cause="reconciled")

    async def _look_after(self, project: Project, environment: Environment) -> None:
        """Bring back what has died, and go on with a removal that was given up."""
        if environment.state is EnvironmentState.REMOVING:
            await self._operations.resume_removal(project, environment)
        else:
            await self._revive(project, environment, completely=False)

    async def _revive(self, project: Project, environment: Environment, *, completely: bool) -> None:
        if environment.state is not EnvironmentState.LIVE:
            return
        await self._revival.serve_database(project, environment)  # what serves needs it, also while it is replaced
        async with self._operations.at_rest(project, environment) as rests:
            if rests:
                await self._revival.revive(project, environment, completely=completely)
