"""Operations: the one door through which the API, pushes and the reconciler start the platform's workflows.

For each environment there is at most one at a time: a newer one cancels the one before and waits until that is undone.
"""

import asyncio
from weakref import WeakValueDictionary

from euryale.cloud.modules.deployments import Deployments
from euryale.cloud.modules.projects import (
    Environment,
    EnvironmentKind,
    EnvironmentState,
    NewProject,
    Project,
    Projects,
    ProjectState,
    ProjectStateError,
    UnknownEnvironmentError,
    environment_handle,
)
from euryale.cloud.providers.source.contract import Source
from euryale.cloud.workflows.create_preview import create_preview
from euryale.cloud.workflows.create_project import create_project
from euryale.cloud.workflows.delete_project import delete_project
from euryale.cloud.workflows.deploy import deploy
from euryale.cloud.workflows.references import DeployRequest, PreviewRequest, RemoveRequest
from euryale.cloud.workflows.remove_preview import remove_preview
from euryale.cloud.workflows.steps.records import environment_ref
from euryale.kit.ids import new_id
from euryale.workflows import Engine, UnknownExecutionError

ALL_WORKFLOWS = (create_project, deploy, create_preview, remove_preview, delete_project)


class Operations:
    """Starts workflows; each method returns the id of the execution as soon as that is durable."""

    def __init__(self, engine: Engine, projects: Projects, deployments: Deployments, source: Source) -> None:
        self._engine = engine
        self._projects = projects
        self._deployments = deployments
        self._source = source
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create_project(self, new: NewProject, *, key: str | None = None) -> str:
        """Create a project.

        Args:
            new: What it is created from.
            key: An idempotency key: the same key joins the same creation. Default: a new one.

        Raises:
            InvalidHandleError: If the name is not acceptable.
            ProjectExistsError: If a project of that name exists that has not failed.
        """
        async with self._lock(f"project:{new.name}"):
            await self._projects.check_free(new.name)
            handle = await self._engine.start(create_project, new, id=f"create-project:{key or new_id('key')}")
            return handle.id

    async def delete_project(self, name: str) -> str:
        """Delete a project with everything that belongs to it; what is under way is cancelled first.

        Raises:
            UnknownProjectError: If there is none.
        """
        async with self._lock(f"project:{name}"):
            project = await self._projects.get(name)
            if project.state is ProjectState.DELETING and await self._runs(project.execution):
                return project.execution
            await self._end(project.execution)
            for environment in await self._projects.environments(project.id):
                await self._end_work(environment)
            handle = await self._engine.start(delete_project, project.id, id=f"delete-project:{new_id('key')}")
            return handle.id

    async def deploy(self, name: str, *, branch: str = "", ref: str = "", cause: str = "manual") -> str:
        """Deploy a branch's head, or another commit, to the branch's environment.

        Args:
            name: The project's name.
            branch: The branch; default: production's. A branch without an environment becomes a preview.
            ref: The commit's full hash; default: the branch's head.
            cause: Why: ``manual``, ``push`` or ``reconciled``.

        Raises:
            UnknownProjectError: If there is none.
            ProjectStateError: If the project is not ready.
            UnknownRefError: If the repository has no such branch or commit.
        """
        project = await self._projects.get(name)
        branch = branch or project.branch
        commit = await self._source.resolve(project.repository, ref or branch)
        async with self._lock(f"{project.id}:{branch}"):
            self._check_ready(await self._projects.by_id(project.id))
            environment = await self._environment(project, branch)
            if environment is not None:
                await self._end_work(environment)
            key = new_id("key")
            if branch == project.branch and environment is not None:
                request = DeployRequest(environment_ref(project, environment), commit.sha, cause)
                return (await self._engine.start(deploy, request, id=f"deploy:{key}")).id
            preview = PreviewRequest(project.id, branch, commit.sha, cause)
            handle = await self._engine.start(create_preview, preview, id=f"create-preview:{key}")
            if environment is not None:
                await self._projects.set_environment_state(
                    environment.id, EnvironmentState.CREATING, execution=handle.id
                )
            return handle.id

    async def remove_preview(self, name: str, environment_name: str, *, cause: str = "asked for") -> str:
        """Remove a preview with everything that belongs to it; what is under way is cancelled first.

        Raises:
            UnknownProjectError: If there is no such project.
            UnknownEnvironmentError: If it has no such environment.
            ProjectStateError: If it is the production.
        """
        project = await self._projects.get(name)
        found = await self._projects.environment(project.id, environment_name)
        if found.kind is EnvironmentKind.PRODUCTION:
            raise ProjectStateError(
                "Production cannot be removed alone.", hint=f"Delete the project: euryale projects delete {name}"
            )
        async with self._lock(f"{project.id}:{found.branch}"):
            environment = await self._projects.environment(project.id, environment_name)
            if environment.state is EnvironmentState.REMOVING and await self._runs(environment.execution):
                return environment.execution
            await self._end_work(environment)
            request = RemoveRequest(environment.id, cause)
            handle = await self._engine.start(remove_preview, request, id=f"remove-preview:{new_id('key')}")
            await self._projects.set_environment_state(environment.id, EnvironmentState.REMOVING, execution=handle.id)
            return handle.id

    async def branch_moved(self, project: Project, branch: str, commit: str | None, *, cause: str) -> str | None:
        """Do what follows from a branch's new head (None: it is gone); return the execution, if one was started."""
        if project.state is not ProjectState.READY:
            return None
        if commit is None:
            if branch == project.branch:
                return None
            try:
                return await self.remove_preview(project.name, environment_handle(branch), cause="branch deleted")
            except UnknownEnvironmentError:
                return None
        if branch != project.branch and not project.previews:
            return None
        return await self.deploy(project.name, branch=branch, ref=commit, cause=cause)

    async def is_current(self, project: Project, branch: str, commit: str) -> bool:
        """Return whether the newest deployment of a branch is of that commit, whatever became of it."""
        environment = await self._environment(project, branch)
        if environment is None:
            return False
        if await self._runs(environment.execution):
            return True
        newest = await self._deployments.newest(environment.id)
        return newest is not None and newest.commit == commit

    async def _environment(self, project: Project, branch: str) -> Environment | None:
        name = "production" if branch == project.branch else environment_handle(branch)
        try:
            return await self._projects.environment(project.id, name)
        except UnknownEnvironmentError:
            return None

    def _check_ready(self, project: Project) -> None:
        if project.state is not ProjectState.READY:
            raise ProjectStateError(
                f"Project {project.name!r} is {project.state}.",
                hint=f"Wait until it is ready, or look why it is not: euryale projects show {project.name}",
            )

    async def _end_work(self, environment: Environment) -> None:
        """Cancel what is under way for an environment, and wait until it is undone."""
        executions = {each.root_execution for each in await self._deployments.under_way(environment.id)}
        for execution in sorted(executions | {environment.execution} - {""}):
            await self._end(execution)

    async def _end(self, execution: str) -> None:
        if execution and await self._runs(execution):
            await self._engine.cancel(execution)
            await self._engine.wait(execution)

    async def _runs(self, execution: str) -> bool:
        try:
            return not (await self._engine.get(execution)).status.ended
        except UnknownExecutionError:
            return False

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())
