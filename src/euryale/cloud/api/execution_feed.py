"""Everything that happens to an execution and to those that it calls, as one stream."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, cast

from euryale.cloud.api.descriptions import describe_execution
from euryale.cloud.api.views import CHILD, child_of, event_info
from euryale.cloud.modules.deployments import Deployments
from euryale.framework.http import ServerEvent
from euryale.kit.lifecycle import Tasks
from euryale.workflows import Engine, ExecutionEvent, UnknownExecutionError

STATE: Final = "state"
EVENT: Final = "event"

_FINISHED: Final = "execution.finished"
_CHILD_MOVES: Final = frozenset({"step.waiting", "undo.started", "undo.succeeded", "undo.failed"})


@dataclass(slots=True)
class _Followed:
    """One execution that is followed.

    Attributes:
        parent: The execution that called it, or an empty string.
        seen: The number of the last entry of its journal that was passed on.
        children: Its steps that call an execution.
        idle: Set while nothing of it is awaited.
    """

    parent: str
    seen: int = 0
    children: frozenset[str] = frozenset()
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class ExecutionFeed:
    """Follows an execution with all of its children.

    For each execution there is first a ``state`` (its ``ExecutionDetail``), then its ``event`` s, those of the past
    first. A client that comes back gets all of it again and knows by ``execution`` and ``seq`` what it has seen; an
    event whose ``seq`` is not above that of the state is in the state already.

    Args:
        engine: Whose executions they are.
        deployments: Says which deployment an execution makes.
    """

    def __init__(self, engine: Engine, deployments: Deployments) -> None:
        self._engine = engine
        self._deployments = deployments
        self._tasks = Tasks()
        self._coming: asyncio.Queue[ServerEvent | Exception | None] = asyncio.Queue()
        self._followed: dict[str, _Followed] = {}

    async def follow(self, execution: str) -> AsyncGenerator[ServerEvent, None]:
        """Yield what has happened and what happens, until the execution has ended.

        Raises:
            UnknownExecutionError: If there is none.
            StoreError: If executions cannot be read any more.
        """
        self._attend(execution, parent="")
        try:
            while (coming := await self._coming.get()) is not None:
                if isinstance(coming, Exception):
                    raise coming
                yield coming
        finally:
            await self._tasks.stop()

    def _attend(self, execution: str, *, parent: str) -> None:
        """Follow an execution, unless that is being done."""
        followed = self._followed.get(execution)
        if followed is not None and not followed.idle.is_set():
            return
        followed = self._followed.setdefault(execution, _Followed(parent))
        followed.idle.clear()
        self._tasks.spawn(self._guarded(execution, followed), name=f"feed of {execution}")

    async def _guarded(self, execution: str, followed: _Followed) -> None:
        try:
            await self._pump(execution, followed)
        except UnknownExecutionError as error:
            if not followed.parent:  # a child is named before it is known whether it could be started
                self._coming.put_nowait(error)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the stream ends with it
            self._coming.put_nowait(error)
        finally:
            followed.idle.set()
        if not followed.parent:
            self._coming.put_nowait(None)

    async def _pump(self, execution: str, followed: _Followed) -> None:
        generator = cast("AsyncGenerator[ExecutionEvent, None]", self._engine.events(execution))
        async with aclosing(generator) as events:
            coming = asyncio.ensure_future(anext(events, None))
            try:
                await asyncio.sleep(0)  # it listens now, so that nothing falls between the state and the events
                await self._tell_state(execution, followed)
                event = await coming
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            while event is not None:
                await self._pass_on(event, followed)
                event = await anext(events, None)

    async def _tell_state(self, execution: str, followed: _Followed) -> None:
        detail = await describe_execution(execution, self._engine, self._deployments)
        followed.children = frozenset(step.id for step in detail.steps if step.kind == CHILD)
        self._coming.put_nowait(ServerEvent(detail.model_dump(mode="json"), name=STATE))

    async def _pass_on(self, event: ExecutionEvent, followed: _Followed) -> None:
        if 0 < event.seq <= followed.seen:
            return
        followed.seen = max(followed.seen, event.seq)
        if event.step in followed.children and event.name in _CHILD_MOVES:
            self._attend(child_of(event.execution, event.step), parent=event.execution)
        if event.name == _FINISHED:
            await self._until_children_are_idle(event.execution)
        told = event_info(event, parent=followed.parent).model_dump(mode="json")
        self._coming.put_nowait(ServerEvent(told, name=EVENT))

    async def _until_children_are_idle(self, execution: str) -> None:
        for child in [each for each in self._followed.values() if each.parent == execution]:
            await child.idle.wait()
