"""The rules of deployments: numbered per environment, one live at a time, each change of state recorded."""

import json
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import selectinload

from euryale.cloud.modules.deployments import models
from euryale.cloud.modules.deployments.errors import UnknownDeploymentError
from euryale.cloud.modules.deployments.records import (
    CHOSEN,
    Deployment,
    DeploymentState,
    NewDeployment,
    Snapshot,
    Transition,
)
from euryale.framework.data import Database, Session
from euryale.kit.machine_time import utc_now
from euryale.kit.secret import Secret

_UNDER_WAY = tuple(state for state in DeploymentState if not state.ended)


class Deployments:
    """Keeps deployments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, new: NewDeployment) -> Deployment:
        """Make a deployment, or return the one that this execution has made already."""
        async with self._database.transaction() as session:
            row = await session.scalar(_loaded().where(models.Deployment.execution == new.execution))
            if row is None:
                latest = await session.scalar(
                    select(func.max(models.Deployment.number)).where(
                        models.Deployment.environment_id == new.environment_id
                    )
                )
                row = models.Deployment(
                    **{name: getattr(new, name) for name in NewDeployment.__slots__},
                    number=(latest or 0) + 1,
                    state=DeploymentState.CREATED,
                    transitions=[models.Transition(state=DeploymentState.CREATED, at=utc_now(), cause=new.cause)],
                )
                session.add(row)
                await session.flush()
            return _deployment(row)

    async def get(self, deployment_id: str) -> Deployment:
        """Return a deployment with its transitions.

        Raises:
            UnknownDeploymentError: If there is none.
        """
        async with self._database.reading() as session:
            return _deployment(await _get(session, deployment_id))

    async def by_execution(self, execution: str) -> Deployment | None:
        """Return the deployment that an execution made, or None."""
        async with self._database.reading() as session:
            row = await session.scalar(_loaded().where(models.Deployment.execution == execution))
            return None if row is None else _deployment(row)

    async def list(
        self, *, project_id: str, environment_id: str | None = None, limit: int = 50, before: str = ""
    ) -> tuple[Deployment, ...]:
        """Return a project's deployments, newest first, without their transitions.

        Args:
            project_id: The project.
            environment_id: Only of this environment.
            limit: How many at the most.
            before: Only those older than this one, by id.
        """
        query = select(models.Deployment).where(models.Deployment.project_id == project_id)
        if environment_id is not None:
            query = query.where(models.Deployment.environment_id == environment_id)
        if before:
            query = query.where(models.Deployment.id < before)
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(models.Deployment.id.desc()).limit(limit))
            return tuple(_deployment(row, transitions=False) for row in rows)

    async def live(self, environment_id: str) -> Deployment | None:
        """Return the deployment that an environment serves, or None."""
        query = _loaded().where(
            models.Deployment.environment_id == environment_id, models.Deployment.state == DeploymentState.LIVE
        )
        async with self._database.reading() as session:
            row = await session.scalar(query)
            return None if row is None else _deployment(row)

    async def under_way(self, environment_id: str) -> tuple[Deployment, ...]:
        """Return an environment's deployments that have not ended, oldest first."""
        query = _loaded().where(
            models.Deployment.environment_id == environment_id, models.Deployment.state.in_(_UNDER_WAY)
        )
        async with self._database.reading() as session:
            return tuple(map(_deployment, await session.scalars(query.order_by(models.Deployment.number))))

    async def newest(self, environment_id: str, *, chosen: bool = True) -> Deployment | None:
        """Return an environment's newest deployment, or None.

        Args:
            environment_id: The environment.
            chosen: Whether it may be one whose commit a person chose; else it is of what was the branch's head.
        """
        query = _loaded().where(models.Deployment.environment_id == environment_id)
        if not chosen:
            query = query.where(models.Deployment.cause != CHOSEN)
        async with self._database.reading() as session:
            row = await session.scalar(query.order_by(models.Deployment.number.desc()).limit(1))
            return None if row is None else _deployment(row)

    async def move(self, deployment_id: str, state: DeploymentState, cause: str = "") -> None:
        """Record a new state; one that it has already, or that comes after its end, changes nothing."""
        async with self._database.transaction() as session:
            _move(await _get(session, deployment_id), state, cause)

    async def end(self, deployment_id: str, state: DeploymentState, reason: str) -> None:
        """Record that a deployment did not succeed; a live one loses that."""
        async with self._database.transaction() as session:
            _end(await _get(session, deployment_id), state, reason)

    async def go_live(self, deployment_id: str) -> None:
        """Make it the environment's live one; the one before is superseded, at the same instant."""
        async with self._database.transaction() as session:
            row = await _get(session, deployment_id)
            query = _loaded().where(
                models.Deployment.environment_id == row.environment_id,
                models.Deployment.state == DeploymentState.LIVE,
                models.Deployment.id != deployment_id,
            )
            for former in await session.scalars(query):
                _append(former, DeploymentState.SUPERSEDED, f"deployment {row.number} is live")
            if row.state != DeploymentState.LIVE:
                _append(row, DeploymentState.LIVE, "")

    async def step_down(self, deployment_id: str, state: DeploymentState, reason: str) -> None:
        """Record that a deployment did not succeed; if it was live, the one that it superseded is live again.

        Both happen at the same instant; nothing happens to one that has ended otherwise.

        Args:
            deployment_id: The deployment.
            state: How it ended.
            reason: Why, for a person.
        """
        async with self._database.transaction() as session:
            row = await _get(session, deployment_id)
            if row.state == DeploymentState.LIVE:
                query = _loaded().where(
                    models.Deployment.environment_id == row.environment_id,
                    models.Deployment.state == DeploymentState.SUPERSEDED,
                    models.Deployment.number < row.number,
                )
                former = await session.scalar(query.order_by(models.Deployment.number.desc()).limit(1))
                if former is not None:
                    _append(former, DeploymentState.LIVE, "its successor was undone")
            _end(row, state, reason)

    async def keep_snapshot(self, deployment_id: str, snapshot: Snapshot) -> None:
        """Keep what a deployment is made with; the first snapshot stays."""
        async with self._database.transaction() as session:
            row = await _get(session, deployment_id)
            if row.snapshot is None:
                row.snapshot = Secret(
                    json.dumps({"build": _plain(snapshot.build), "runtime": _plain(snapshot.runtime)})
                )
                row.plan = snapshot.plan

    async def snapshot(self, deployment_id: str) -> Snapshot:
        """Return what a deployment is made with; empty if that was not decided yet."""
        async with self._database.reading() as session:
            row = await _get(session, deployment_id)
        values = json.loads(row.snapshot.reveal()) if row.snapshot is not None else {}
        return Snapshot(
            build=_secret(values.get("build", {})), runtime=_secret(values.get("runtime", {})), plan=row.plan
        )

    async def describe(
        self,
        deployment_id: str,
        *,
        artifact: str | None = None,
        instance: str | None = None,
        address: str | None = None,
        warning: str | None = None,
    ) -> None:
        """Keep what is learned of a deployment on its way."""
        values = {"artifact": artifact, "instance": instance, "address": address, "warning": warning}
        async with self._database.transaction() as session:
            row = await _get(session, deployment_id)
            for name, value in values.items():
                if value is not None:
                    setattr(row, name, value)

    async def of_environment(self, environment_id: str) -> tuple[Deployment, ...]:
        """Return all of an environment's deployments, newest first, without their transitions."""
        query = select(models.Deployment).where(models.Deployment.environment_id == environment_id)
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(models.Deployment.number.desc()))
            return tuple(_deployment(row, transitions=False) for row in rows)

    async def forget_project(self, project_id: str) -> tuple[str, ...]:
        """Delete all deployments of a project; return their ids."""
        return await self._forget(models.Deployment.project_id == project_id)

    async def forget_environment(self, environment_id: str) -> tuple[str, ...]:
        """Delete all deployments of an environment; return their ids."""
        return await self._forget(models.Deployment.environment_id == environment_id)

    async def _forget(self, which: ColumnElement[bool]) -> tuple[str, ...]:
        async with self._database.transaction() as session:
            rows = tuple(await session.scalars(_loaded().where(which)))
            for row in rows:
                await session.delete(row)
            return tuple(row.id for row in rows)


def _loaded() -> Select[models.Deployment]:
    return select(models.Deployment).options(selectinload(models.Deployment.transitions))


async def _get(session: Session, deployment_id: str) -> models.Deployment:
    row = await session.scalar(_loaded().where(models.Deployment.id == deployment_id))
    if row is None:
        raise UnknownDeploymentError(f"There is no deployment {deployment_id!r}.")
    found: models.Deployment = row
    return found


def _plain(variables: Mapping[str, Secret]) -> dict[str, str]:
    return {name: value.reveal() for name, value in sorted(variables.items())}


def _secret(variables: Mapping[str, str]) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in variables.items()}


def _move(row: models.Deployment, state: DeploymentState, cause: str) -> None:
    if not DeploymentState(row.state).ended and row.state != state:
        _append(row, state, cause)


def _end(row: models.Deployment, state: DeploymentState, reason: str) -> None:
    if not DeploymentState(row.state).ended or row.state == DeploymentState.LIVE:
        row.reason = reason
        _append(row, state, reason)


def _append(row: models.Deployment, state: DeploymentState, cause: str) -> None:
    row.state = state
    row.transitions.append(models.Transition(state=state, at=utc_now(), cause=cause))
    if state.ended and row.ended_at is None:
        row.ended_at = utc_now()


def _deployment(row: models.Deployment, *, transitions: bool = True) -> Deployment:
    return Deployment(
        id=row.id,
        project_id=row.project_id,
        environment_id=row.environment_id,
        number=row.number,
        commit=row.commit,
        message=row.message,
        author=row.author,
        branch=row.branch,
        cause=row.cause,
        state=DeploymentState(row.state),
        reason=row.reason,
        warning=row.warning,
        execution=row.execution,
        root_execution=row.root_execution,
        artifact=row.artifact,
        instance=row.instance,
        address=row.address,
        created_at=row.created_at,
        ended_at=row.ended_at,
        transitions=tuple(Transition(DeploymentState(each.state), each.at, each.cause) for each in row.transitions)
        if transitions
        else (),
    )
