"""Turns: what is started for the same environment, or the same project, happens one after the other.

An execution's id begins with what it does and for whom: ``deploy:shop--production:...``. So whatever is under way is
known from the engine alone, from the instant at which it is durable, and after a crash as before it.
"""

import contextlib
from collections.abc import Iterable
from typing import Final

from euryale.cloud.workflows.references import Place
from euryale.kit.ids import new_id
from euryale.workflows import (
    Engine,
    EngineClosedError,
    ExecutionQuery,
    ExecutionView,
    Status,
    UnknownExecutionError,
    WorkflowError,
)

CREATE_PROJECT: Final = "create-project"
DELETE_PROJECT: Final = "delete-project"
DEPLOY: Final = "deploy"
CREATE_PREVIEW: Final = "create-preview"
REMOVE_PREVIEW: Final = "remove-preview"

_OF_ENVIRONMENTS: Final = (DEPLOY, CREATE_PREVIEW, REMOVE_PREVIEW)
_DEPLOYING: Final = (DEPLOY, CREATE_PREVIEW)
_OF_PROJECTS: Final = (CREATE_PROJECT, DELETE_PROJECT)
_UNDER_WAY: Final = frozenset(status for status in Status if not status.ended)
_MOST: Final = 1000


def execution_id(kind: str, whose: str, key: str = "") -> str:
    """Return the id of an execution.

    Args:
        kind: What it does.
        whose: A project's name, or an environment's (``Place.app``).
        key: What makes it unique; default: something new.
    """
    return f"{kind}:{whose}:{key or new_id('key')}"


class Turns:
    """Tells what is under way, and lets the newest have its turn when all before it have ended."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def under_way(self, place: Place) -> tuple[ExecutionView, ...]:
        """Return what is under way for an environment, oldest first."""
        found = await self._find(f"{kind}:{place.app}:" for kind in _OF_ENVIRONMENTS)
        return tuple(each for each in found if not each.stranded)

    async def under_way_for(self, project: str) -> tuple[ExecutionView, ...]:
        """Return what is under way for a project as a whole, oldest first."""
        found = await self._find(f"{kind}:{project}:" for kind in _OF_PROJECTS)
        return tuple(each for each in found if not each.stranded)

    async def last_deploying(self, place: Place) -> ExecutionView | None:
        """Return the newest execution that deployed to an environment, whatever became of it; None if none is known."""
        queries = (ExecutionQuery(prefix=f"{kind}:{place.app}:", limit=1) for kind in _DEPLOYING)
        found = [each for query in queries for each in await self._engine.list(query)]
        return max(found, key=_age, default=None)

    async def take(self, place: Place, execution: str) -> None:
        """Return when everything that was started before for the environment has ended.

        Deployments are superseded: they are cancelled, and undone before this returns. A removal is waited for.

        Args:
            place: The environment.
            execution: The outermost execution that takes its turn.
        """
        mine = await self._engine.get(execution)
        prefixes = [f"{kind}:{place.app}:" for kind in _OF_ENVIRONMENTS]
        earlier = [each for each in await self._find(prefixes) if _age(each) < _age(mine)]
        await self._end(each for each in earlier if each.workflow != REMOVE_PREVIEW)
        await self._await(earlier)

    async def take_all(self, project: str, execution: str) -> None:
        """Return when everything has ended that is under way for a project and its environments.

        It is all cancelled, but for deletions: earlier ones are waited for, later ones wait.

        Args:
            project: The project's name.
            execution: The deletion that takes its turn.
        """
        prefixes = [f"{kind}:{project}--" for kind in _OF_ENVIRONMENTS]
        prefixes += [f"{kind}:{project}:" for kind in _OF_PROJECTS]
        others = [each for each in await self._find(prefixes) if each.id != execution]
        await self._end(each for each in others if each.workflow != DELETE_PROJECT)
        mine = await self._engine.get(execution)
        await self._await(each for each in others if each.workflow != DELETE_PROJECT or _age(each) < _age(mine))

    async def _find(self, prefixes: Iterable[str]) -> tuple[ExecutionView, ...]:
        queries = (ExecutionQuery(prefix=prefix, statuses=_UNDER_WAY, parent_id="", limit=_MOST) for prefix in prefixes)
        found = [each for query in queries for each in await self._engine.list(query)]
        return tuple(sorted(found, key=_age))

    async def _end(self, executions: Iterable[ExecutionView]) -> None:
        for each in executions:
            with contextlib.suppress(UnknownExecutionError):
                await self._engine.cancel(each.id)

    async def _await(self, executions: Iterable[ExecutionView]) -> None:
        for each in executions:
            try:
                await self._engine.wait(each.id)
            except EngineClosedError:
                raise
            except WorkflowError:  # it is stranded: nobody drives it on
                continue


def _age(execution: ExecutionView) -> tuple[float, str]:
    return execution.created_at.timestamp(), execution.id
