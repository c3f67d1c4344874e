"""The rules of projects and environments."""

import secrets as randomness
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from euryale.cloud.modules.projects import models
from euryale.cloud.modules.projects.errors import (
    ProjectExistsError,
    ProjectStateError,
    UnknownEnvironmentError,
    UnknownProjectError,
    UnknownVariableError,
)
from euryale.cloud.modules.projects.names import check_handle, environment_handle
from euryale.cloud.modules.projects.records import (
    Environment,
    EnvironmentKind,
    EnvironmentState,
    NewProject,
    Project,
    ProjectState,
    Scope,
    Variable,
)
from euryale.framework.data import Database, Session
from euryale.kit.machine_time import utc_now
from euryale.kit.secret import Secret

_SECRET_BYTES = 32
_PRODUCTION = "production"


class Projects:
    """Keeps projects, environments and variables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check_free(self, name: str) -> None:
        """Check that a project of that name can be created.

        Raises:
            InvalidHandleError: If the name is not acceptable.
            ProjectExistsError: If one exists that has not failed.
        """
        check_handle(name)
        async with self._database.reading() as session:
            row = await session.scalar(select(models.Project).where(models.Project.name == name))
        if row is not None and row.state != ProjectState.FAILED:
            raise ProjectExistsError(
                f"A project called {name!r} exists; it is {row.state}.",
                hint=f"Choose another name, or delete it first: euryale projects delete {name}",
            )

    async def create(self, new: NewProject, *, branch: str, execution: str) -> Project:
        """Create a project, or return the one that this execution has created already.

        A failed project of that name is replaced: nothing but its record was left of it.

        Raises:
            ProjectExistsError: If one exists that has not failed.
        """
        async with self._database.transaction() as session:
            row = await session.scalar(select(models.Project).where(models.Project.name == new.name))
            if row is not None and row.execution == execution:
                return _project(row)
            if row is not None and row.state != ProjectState.FAILED:
                raise ProjectExistsError(f"A project called {new.name!r} exists; it is {row.state}.")
            if row is not None:
                await session.delete(row)
                await session.flush()
            row = models.Project(
                name=check_handle(new.name),
                repository=new.repository,
                branch=branch,
                root=new.root,
                previews=new.previews,
                state=ProjectState.CREATING,
                execution=execution,
                variables=[
                    models.Variable(name=each.name, value=each.value, scope=each.scope) for each in new.variables
                ],
            )
            session.add(row)
            await session.flush()
            return _project(row)

    async def get(self, name: str) -> Project:
        """Return a project by its name.

        Raises:
            UnknownProjectError: If there is none.
        """
        async with self._database.reading() as session:
            return _project(await _find_project(session, name))

    async def find(self, name: str) -> Project | None:
        """Return a project by its name, or None."""
        async with self._database.reading() as session:
            row = await session.scalar(select(models.Project).where(models.Project.name == name))
            return None if row is None else _project(row)

    async def by_id(self, project_id: str) -> Project:
        """Return a project by its id.

        Raises:
            UnknownProjectError: If there is none.
        """
        async with self._database.reading() as session:
            return _project(await _get_project(session, project_id))

    async def by_repository(self, repository: str) -> tuple[Project, ...]:
        """Return the projects that are made from a repository."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(models.Project).where(models.Project.repository == repository))
            return tuple(map(_project, rows))

    async def list(self, *, limit: int = 200, after: str = "") -> tuple[Project, ...]:
        """Return projects by name.

        Args:
            limit: How many at the most.
            after: Only those whose name sorts after this.
        """
        query = select(models.Project).where(models.Project.name > after).order_by(models.Project.name).limit(limit)
        async with self._database.reading() as session:
            return tuple(map(_project, await session.scalars(query)))

    async def all(self) -> tuple[Project, ...]:
        """Return every project, by name."""
        found: list[Project] = []
        while page := await self.list(after=found[-1].name if found else ""):
            found += page
        return tuple(found)

    async def settle(self, project_id: str, state: ProjectState, *, execution: str, reason: str = "") -> bool:
        """Say how a creation has ended.

        Args:
            project_id: The project.
            state: ``ready`` or ``failed``.
            execution: Whose word this is.
            reason: Why it failed, for a person.

        Returns:
            False, and nothing happens, if it is gone or another execution works on it: a deletion, say.
        """
        async with self._database.transaction() as session:
            row = await session.get(models.Project, project_id)
            if row is None or row.execution != execution:
                return False
            row.state, row.reason = state, reason
            return True

    async def claim_for_deletion(self, project_id: str, execution: str) -> Project:
        """Put a project into the state ``deleting``, for one execution.

        Raises:
            UnknownProjectError: If it is gone.
        """
        async with self._database.transaction() as session:
            row = await _get_project(session, project_id)
            row.state, row.execution = ProjectState.DELETING, execution
            return _project(row)

    async def delete(self, project_id: str) -> None:
        """Delete a project's records; nothing happens if it is gone."""
        async with self._database.transaction() as session:
            row = await session.get(models.Project, project_id)
            if row is not None:
                await session.delete(row)

    async def variables(self, project_id: str) -> tuple[Variable, ...]:
        """Return a project's variables, by name."""
        query = select(models.Variable).where(models.Variable.project_id == project_id).order_by(models.Variable.name)
        async with self._database.reading() as session:
            return tuple(Variable(row.name, row.value, Scope(row.scope)) for row in await session.scalars(query))

    async def set_variables(self, project_id: str, variables: Sequence[Variable]) -> None:
        """Add variables to a project, or change those of the same name; the next deployments see them."""
        async with self._database.transaction() as session:
            query = select(models.Variable).where(models.Variable.project_id == project_id)
            known = {row.name: row for row in await session.scalars(query)}
            for each in variables:
                row = known.get(each.name)
                if row is None:
                    row = models.Variable(project_id=project_id, name=each.name, value=each.value, scope=each.scope)
                    session.add(row)
                row.value, row.scope = each.value, each.scope

    async def unset_variables(self, project_id: str, names: Collection[str]) -> None:
        """Delete variables of a project, all or none; the next deployments do not see them.

        Raises:
            UnknownVariableError: If the project does not have one of them.
        """
        async with self._database.transaction() as session:
            query = select(models.Variable).where(models.Variable.project_id == project_id)
            known = {row.name: row for row in await session.scalars(query)}
            if unknown := sorted(set(names) - set(known)):
                raise UnknownVariableError(
                    f"The project has no variable called {', '.join(unknown)}.",
                    hint=f"It has: {', '.join(sorted(known)) or 'none'}.",
                )
            for name in set(names):
                await session.delete(known[name])

    async def open_environment(
        self, project_id: str, branch: str, *, host_suffix: str, execution: str, base: str = ""
    ) -> Environment:
        """Create the environment of a branch, or take over the one there is for this execution.

        Args:
            project_id: Whose it is.
            branch: The branch it follows: production's, or any other for a preview.
            host_suffix: What is behind the environment's name in its host name, without a leading dot.
            execution: Who works on it from now on.
            base: The environment whose data a preview starts with.

        Raises:
            UnknownProjectError: If the project is gone.
            ProjectStateError: If the project is being deleted or, for a preview, is not ready; or if the environment
                of that name is another branch's.
        """
        async with self._database.transaction() as session:
            project = await _get_project(session, project_id)
            production = branch == project.branch
            expected = ProjectState.CREATING if production else ProjectState.READY
            if project.state not in {expected, ProjectState.READY}:
                raise ProjectStateError(f"Project {project.name!r} is {project.state}.")
            name = _PRODUCTION if production else environment_handle(branch)
            row = await _find_environment(session, project_id, name)
            if row is not None and row.branch != branch:
                raise ProjectStateError(
                    f"The name {name!r} belongs to the branch {row.branch!r} already.", hint="Rename one of them."
                )
            if row is None:
                row = models.Environment(
                    project_id=project_id,
                    name=name,
                    kind=EnvironmentKind.PRODUCTION if production else EnvironmentKind.PREVIEW,
                    branch=branch,
                    base=base,
                    host=f"{name}.{project.name}.{host_suffix}",
                    secrets=[],
                )
                session.add(row)
            row.state, row.reason, row.execution = EnvironmentState.CREATING, "", execution
            project.dismissed = {name: commit for name, commit in project.dismissed.items() if name != branch}
            await session.flush()
            return _environment(row)

    async def environment(self, project_id: str, name: str) -> Environment:
        """Return an environment by its name.

        Raises:
            UnknownEnvironmentError: If the project has none of that name.
        """
        found = await self.find_environment(project_id, name)
        if found is None:
            raise UnknownEnvironmentError(f"The project has no environment called {name!r}.")
        return found

    async def find_environment(self, project_id: str, name: str) -> Environment | None:
        """Return an environment by its name, or None."""
        async with self._database.reading() as session:
            row = await _find_environment(session, project_id, name)
            return None if row is None else _environment(row)

    async def environment_by_id(self, environment_id: str) -> Environment:
        """Return an environment by its id.

        Raises:
            UnknownEnvironmentError: If it is gone.
        """
        async with self._database.reading() as session:
            return _environment(await _get_environment(session, environment_id))

    async def environments(self, project_id: str) -> tuple[Environment, ...]:
        """Return a project's environments, production first, then by name."""
        query = (
            select(models.Environment)
            .where(models.Environment.project_id == project_id)
            .options(selectinload(models.Environment.secrets))
        )
        async with self._database.reading() as session:
            found = [_environment(row) for row in await session.scalars(query)]
        return tuple(sorted(found, key=lambda each: (each.kind is not EnvironmentKind.PRODUCTION, each.name)))

    async def set_environment_state(
        self,
        environment_id: str,
        state: EnvironmentState,
        *,
        reason: str = "",
        execution: str | None = None,
    ) -> None:
        """Put an environment into a state; nothing happens if it is gone."""
        async with self._database.transaction() as session:
            row = await session.get(models.Environment, environment_id)
            if row is not None:
                row.state, row.reason = state, reason
                row.execution = row.execution if execution is None else execution

    async def delete_environment(self, environment_id: str, *, dismissed: str = "") -> None:
        """Delete an environment's record; nothing happens if it is gone.

        Args:
            environment_id: The environment.
            dismissed: The commit of its branch that a person does not want to see; it is not made again by itself.
        """
        async with self._database.transaction() as session:
            row = await session.get(models.Environment, environment_id)
            if row is None:
                return
            if dismissed:
                project = await _get_project(session, row.project_id)
                project.dismissed = {**project.dismissed, row.branch: dismissed}
            await session.delete(row)

    async def is_dismissed(self, project_id: str, branch: str, commit: str) -> bool:
        """Return whether a person has removed the preview of a branch at that commit."""
        async with self._database.reading() as session:
            return (await _get_project(session, project_id)).dismissed.get(branch) == commit

    async def generate_secrets(self, environment_id: str, names: Collection[str]) -> tuple[Variable, ...]:
        """Return an environment's generated variables, making those that it lacks.

        Raises:
            UnknownEnvironmentError: If it is gone.
        """
        async with self._database.transaction() as session:
            row = await _get_environment(session, environment_id)
            known = {each.name for each in row.secrets}
            for name in sorted(set(names) - known):
                value = Secret(randomness.token_urlsafe(_SECRET_BYTES))
                row.secrets.append(models.GeneratedSecret(name=name, value=value, made_at=utc_now()))
            await session.flush()
            return _environment(row).secrets


async def _find_project(session: Session, name: str) -> models.Project:
    row = await session.scalar(select(models.Project).where(models.Project.name == name))
    if row is None:
        raise UnknownProjectError(f"There is no project called {name!r}.", hint="See: euryale projects list")
    return row


async def _get_project(session: Session, project_id: str) -> models.Project:
    row = await session.get(models.Project, project_id)
    if row is None:
        raise UnknownProjectError(f"There is no project {project_id!r}; it may have been deleted.")
    return row


async def _find_environment(session: Session, project_id: str, name: str) -> models.Environment | None:
    query = (
        select(models.Environment)
        .where(models.Environment.project_id == project_id, models.Environment.name == name)
        .options(selectinload(models.Environment.secrets))
    )
    row: models.Environment | None = await session.scalar(query)
    return row


async def _get_environment(session: Session, environment_id: str) -> models.Environment:
    row = await session.get(models.Environment, environment_id, options=[selectinload(models.Environment.secrets)])
    if row is None:
        raise UnknownEnvironmentError(f"There is no environment {environment_id!r}; it may have been removed.")
    return row


def _project(row: models.Project) -> Project:
    return Project(
        id=row.id,
        name=row.name,
        repository=row.repository,
        branch=row.branch,
        root=row.root,
        previews=row.previews,
        state=ProjectState(row.state),
        reason=row.reason,
        execution=row.execution,
        created_at=row.created_at,
    )


def _environment(row: models.Environment) -> Environment:
    return Environment(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        kind=EnvironmentKind(row.kind),
        branch=row.branch,
        base=row.base,
        host=row.host,
        state=EnvironmentState(row.state),
        reason=row.reason,
        execution=row.execution,
        created_at=row.created_at,
        secrets=tuple(Variable(each.name, each.value, Scope.RUNTIME) for each in row.secrets),
    )
