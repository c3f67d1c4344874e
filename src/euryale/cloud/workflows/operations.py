"""Operations: the one door through which the API, pushes and the reconciler start the platform's workflows.

Nothing here waits for work: what is started takes its turn by itself, when what was started before for the same
environment has ended (see ``turns``).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from euryale.cloud.modules.deployments import CHOSEN, Deployments
from euryale.cloud.modules.projects import (
    Environment,
    EnvironmentState,
    NewProject,
    Project,
    ProjectExistsError,
    Projects,
    ProjectState,
    ProjectStateError,
    UnknownEnvironmentError,
    environment_handle,
)
from euryale.cloud.providers.source.contract import EmptyRepositoryError, InvalidRepositoryError, Source
from euryale.cloud.workflows.create_preview import create_preview
from euryale.cloud.workflows.create_project import create_project
from euryale.cloud.workflows.delete_project import delete_project
from euryale.cloud.workflows.deploy import deploy
from euryale.cloud.workflows.references import (
    ASKED_FOR,
    BRANCH_DELETED,
    DeployRequest,
    Place,
    PreviewRequest,
    RemoveRequest,
)
from euryale.cloud.workflows.remove_preview import remove_preview
from euryale.cloud.workflows.steps.records import PRODUCTION, environment_ref
from euryale.cloud.workflows.turns import (
    CREATE_PREVIEW,
    CREATE_PROJECT,
    DELETE_PROJECT,
    DEPLOY,
    REMOVE_PREVIEW,
    Turns,
    execution_id,
)
from euryale.kit.ids import new_id
from euryale.kit.machine_time import utc_now
from euryale.workflows import Engine, ExecutionView, Status, UnknownExecutionError

ALL_WORKFLOWS = (create_project, deploy, create_preview, remove_preview, delete_project)

MANUAL: Final = "manual"
_LONGEST_KEY: Final = 100
_REST: Final = timedelta(minutes=10)


class Operations:
    """Starts workflows; each method returns the id of the execution as soon as that is durable."""

    def __init__(
        self, engine: Engine, turns: Turns, projects: Projects, deployments: Deployments, source: Source
    ) -> None:
        self._engine = engine
        self._turns = turns
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
            InvalidRepositoryError: If the repository's address holds credentials.
            ProjectExistsError: If a project of that name exists that has not failed, or is being created.
            IdempotencyError: If the key was used for this name with something else.
        """
        _check_address(new.repository)
        wanted = execution_id(CREATE_PROJECT, new.name, _short(key) if key else "")
        async with self._lock(new.name):
            if not (key and await self._is_known(wanted)):
                await self._projects.check_free(new.name)
                if await self._turns.under_way_for(new.name):
                    raise ProjectExistsError(f"A project called {new.name!r} is being created or deleted.")
            return (await self._engine.start(create_project, new, id=wanted)).id

    async def delete_project(self, name: str) -> str:
        """Delete a project with everything that belongs to it; what is under way is cancelled first.

        Raises:
            UnknownProjectError: If there is none.
        """
        async with self._lock(name):
            project = await self._projects.get(name)
            return await self._deleting(name) or await self._start_deletion(project)

    async def resume_deletion(self, project: Project) -> str | None:
        """Delete a project whose deletion was given up, or never begun; return the execution, if one was started.

        The project is as it was seen a while ago: by now another one may have its name.
        """
        async with self._lock(project.name):
            found = await self._projects.find(project.name)
            if found is None or found.id != project.id or found.state is not ProjectState.DELETING:
                return None
            return None if await self._deleting(found.name) else await self._start_deletion(found)

    async def deploy(self, name: str, *, branch: str = "", ref: str = "", cause: str = MANUAL) -> str:
        """Deploy a branch's head, or another commit, to the branch's environment; what deploys there is superseded.

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
        commit = (await self._source.resolve(project.repository, ref or branch)).sha
        if cause == MANUAL and ref and (await self.heads(project)).get(branch) != commit:
            cause = CHOSEN
        async with self._lock(name):
            await self._check_ready(project)
            place = _place(project, branch)
            if cause != MANUAL and (same := await self._deploying(place, commit)):
                return same
            key = f"{commit}.{new_id('key')}"
            if branch != project.branch:
                preview = PreviewRequest(project.id, place, branch, commit, cause)
                wanted = execution_id(CREATE_PREVIEW, place.app, key)
                return (await self._engine.start(create_preview, preview, id=wanted)).id
            production = await self._projects.environment(project.id, PRODUCTION)
            request = DeployRequest(environment_ref(project, production), commit, cause)
            return (await self._engine.start(deploy, request, id=execution_id(DEPLOY, place.app, key))).id

    async def remove_preview(self, name: str, environment_name: str, *, cause: str = ASKED_FOR) -> str:
        """Remove a preview with everything that belongs to it; what is under way is cancelled first.

        Raises:
            UnknownProjectError: If there is no such project.
            UnknownEnvironmentError: If it has no such environment, and none is being made.
            ProjectStateError: If it is the production.
        """
        project = await self._projects.get(name)
        if environment_name == PRODUCTION:
            raise ProjectStateError(
                "Production cannot be removed alone.", hint=f"Delete the project: euryale projects delete {name}"
            )
        place = Place(name, environment_name)
        async with self._lock(name):
            working = await self._turns.under_way(place)
            if working and working[-1].workflow == remove_preview.name:
                return working[-1].id
            if not working:
                await self._projects.environment(project.id, environment_name)
            return await self._start_removal(project, place, cause)

    async def resume_removal(self, project: Project, environment: Environment) -> str | None:
        """Remove a preview whose removal was given up; return the execution, if one was started.

        The environment is as it was seen a while ago: by now its branch may have come back.
        """
        place = Place(project.name, environment.name)
        async with self._lock(project.name):
            found = await self._projects.find_environment(project.id, environment.name)
            if found is None or found.state is not EnvironmentState.REMOVING or await self._turns.under_way(place):
                return None
            return await self._start_removal(project, place, ASKED_FOR)

    async def heads(self, project: Project) -> Mapping[str, str]:
        """Return the branches of a project's repository and the commits that they point at now."""
        try:
            return (await self._source.inspect(project.repository)).branches
        except EmptyRepositoryError:
            return {}

    async def branch_moved(self, project: Project, branch: str, *, cause: str) -> str | None:
        """Do what follows from where a branch is now, or from its being gone; return the execution, if one was started.

        What was heard of it may be old by now, so that the repository is asked.
        """
        if project.state is not ProjectState.READY:
            return None
        head = (await self.heads(project)).get(branch)
        if branch != project.branch:
            if head is None:
                return await self._branch_gone(project, branch)
            if not project.previews:
                return None
        if head is None or await self._has_followed(project, branch, head):
            return None
        return await self.deploy(project.name, branch=branch, ref=head, cause=cause)

    async def is_current(self, project: Project, branch: str, commit: str) -> bool:
        """Return whether nothing is to be started for a branch's head.

        So it is if something is under way; if that commit was deployed last, whatever became of it, or was before a
        person chose another one; if a person has removed its preview; or if the last attempt was of that commit and
        failed a short time ago, before there was a deployment.
        """
        place = _place(project, branch)
        if await self._turns.under_way(place):
            return True
        if await self._has_followed(project, branch, commit):
            return True
        if await self._projects.is_dismissed(project.id, branch, commit):
            return True
        last = await self._turns.last_deploying(place)
        return (
            last is not None
            and _is_of(last, commit)
            and last.status is not Status.SUCCEEDED
            and last.finished_at is not None
            and utc_now() - last.finished_at < _REST
        )

    @asynccontextmanager
    async def at_rest(self, project: Project, environment: Environment) -> AsyncIterator[bool]:
        """Start nothing for a project within the block; tell it whether nothing is under way for an environment."""
        async with self._lock(project.name):
            place = Place(project.name, environment.name)
            yield not (await self._turns.under_way(place) or await self._turns.under_way_for(project.name))

    async def forget_copies(self, projects: Iterable[Project]) -> None:
        """Delete the copies of repositories from which none of these projects is made, and none is being made."""
        await self._source.sweep({project.repository for project in projects})

    async def _deploying(self, place: Place, commit: str) -> str:
        """Return what is under way to deploy this very commit, or an empty string."""
        working = await self._turns.under_way(place)
        return working[-1].id if working and _is_of(working[-1], commit) else ""

    async def _has_followed(self, project: Project, branch: str, head: str) -> bool:
        """Return whether a branch's head was deployed last, or was before a person chose another commit."""
        environment = await self._projects.find_environment(project.id, _place(project, branch).environment)
        if environment is None:
            return False
        newest = await self._deployments.newest(environment.id)
        followed = await self._deployments.newest(environment.id, chosen=False)
        return head in {each.commit for each in (newest, followed) if each is not None}

    async def _branch_gone(self, project: Project, branch: str) -> str | None:
        try:
            return await self.remove_preview(project.name, environment_handle(branch), cause=BRANCH_DELETED)
        except UnknownEnvironmentError:
            return None

    async def _deleting(self, name: str) -> str:
        """Return the deletion of a project that is under way, or an empty string."""
        working = await self._turns.under_way_for(name)
        return next((each.id for each in working if each.workflow == delete_project.name), "")

    async def _start_deletion(self, project: Project) -> str:
        wanted = execution_id(DELETE_PROJECT, project.name)
        await self._projects.claim_for_deletion(project.id, wanted)
        return (await self._engine.start(delete_project, project.id, id=wanted)).id

    async def _start_removal(self, project: Project, place: Place, cause: str) -> str:
        request = RemoveRequest(project.id, place, cause)
        return (await self._engine.start(remove_preview, request, id=execution_id(REMOVE_PREVIEW, place.app))).id

    async def _check_ready(self, project: Project) -> None:
        """Refuse to work on a project that is not ready, or not for good yet."""
        found = await self._projects.by_id(project.id)
        if found.state is not ProjectState.READY or await self._turns.under_way_for(project.name):
            state = "being created" if found.state is ProjectState.READY else found.state
            raise ProjectStateError(
                f"Project {project.name!r} is {state}.",
                hint=f"Wait until it is ready, or look why it is not: euryale projects show {project.name}",
            )

    async def _is_known(self, execution: str) -> bool:
        try:
            await self._engine.get(execution)
        except UnknownExecutionError:
            return False
        return True

    def _lock(self, name: str) -> asyncio.Lock:
        """Return the lock of a project: whoever starts something for it holds it, for a moment."""
        return self._locks.setdefault(name, asyncio.Lock())


def _place(project: Project, branch: str) -> Place:
    return Place(project.name, PRODUCTION if branch == project.branch else environment_handle(branch))


def _is_of(execution: ExecutionView, commit: str) -> bool:
    """Return whether an execution deploys that commit: its id says so."""
    return f":{commit}." in execution.id


def _short(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


def _check_address(repository: str) -> None:
    """Refuse credentials in an address: it is stored, and shown, as it is.

    Raises:
        InvalidRepositoryError: If there are any.
    """
    try:
        parts = urlsplit(repository)
        userinfo, at, _ = parts.netloc.rpartition("@")
    except ValueError:
        return  # it is no address at all: the source says so
    if at and (parts.scheme in {"http", "https"} or ":" in userinfo):
        raise InvalidRepositoryError(
            "The repository's address holds credentials, which are not kept.",
            hint="Use a public address, an ssh address whose key this machine has, or push to the platform's own "
            "remote and give euryale:<name>.",
        )
