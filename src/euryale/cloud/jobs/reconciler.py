"""The reconciler: compares what should be with what is, at start and by the clock, so that nothing lost stays lost."""

import asyncio
import logging

from euryale.cloud.modules.projects import EnvironmentKind, EnvironmentState, Project, Projects, ProjectState
from euryale.cloud.providers.errors import ProviderError
from euryale.cloud.providers.source.contract import EmptyRepositoryError, Source
from euryale.cloud.providers.source.remotes import PushInbox, Remotes
from euryale.cloud.settings import PlatformSettings
from euryale.cloud.workflows.operations import Operations
from euryale.cloud.workflows.revival import Revival
from euryale.kit.errors import EuryaleError
from euryale.kit.lifecycle import Tasks

_log = logging.getLogger("euryale.cloud")


class Reconciler:
    """Starts what a lost push should have started, and brings back what died with the machine."""

    def __init__(
        self,
        projects: Projects,
        source: Source,
        remotes: Remotes,
        pushes: PushInbox,
        operations: Operations,
        revival: Revival,
        settings: PlatformSettings,
    ) -> None:
        self._projects = projects
        self._source = source
        self._remotes = remotes
        self._pushes = pushes
        self._operations = operations
        self._revival = revival
        self._interval = settings.reconcile_every
        self._tasks = Tasks()

    async def start(self) -> None:
        """Bring back what is down, then look by the clock."""
        await self._revive_all()
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
        """Look once at everything."""
        await self._pushes.deliver()
        await self._remotes.sweep()
        for project in await self._projects.list():
            if project.state is ProjectState.READY:
                await self._reconcile_project(project)

    async def _revive_all(self) -> None:
        for project in await self._projects.list():
            for environment in await self._projects.environments(project.id):
                if environment.state is EnvironmentState.LIVE:
                    try:
                        await self._revival.revive(project, environment)
                    except ProviderError as error:
                        _log.error("%s/%s could not be brought back: %s", project.name, environment.name, error)

    async def _reconcile_project(self, project: Project) -> None:
        try:
            branches = dict((await self._source.inspect(project.repository)).branches)
        except EmptyRepositoryError:
            branches = {}
        except ProviderError as error:
            _log.info("%s: the repository cannot be read now: %s", project.name, error)
            return
        for branch, commit in branches.items():
            wanted = branch == project.branch or project.previews
            if wanted and not await self._operations.is_current(project, branch, commit):
                await self._operations.branch_moved(project, branch, commit, cause="reconciled")
        for environment in await self._projects.environments(project.id):
            gone = environment.kind is EnvironmentKind.PREVIEW and environment.branch not in branches
            if gone and environment.state is not EnvironmentState.REMOVING:
                await self._operations.branch_moved(project, environment.branch, None, cause="reconciled")
