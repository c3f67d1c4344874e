"""Looking at executions: what they are at, all that happened in them, and pictures of both. Nothing is driven here."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from euryale.kit.clock import SYSTEM_CLOCK, Clock, pause
from euryale.workflows.definition.checks import refusal
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.drawing import DRAWINGS, DrawingFormat, NodeState, node_state
from euryale.workflows.errors import UnknownWorkflowError, no_execution
from euryale.workflows.handle import ExecutionView, view_row, view_steps
from euryale.workflows.history import History, read_history
from euryale.workflows.ports import Codec, Reader
from euryale.workflows.record.entry import ExecutionRow, Journal
from euryale.workflows.requests import ExecutionQuery
from euryale.workflows.runtime.feed import ExecutionEvent
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.run import Run, entry_event

_LOOK_EVERY: Final = 0.5


def _nobody(_: str) -> Run | None:
    return None


def _as_written(row: ExecutionRow) -> str:
    return row.stranded


@dataclass(frozen=True, slots=True)
class News:
    """What was written down of an execution since somebody looked.

    Attributes:
        events: What happened.
        ended: Whether it has ended.
    """

    events: tuple[ExecutionEvent, ...]
    ended: bool


class Insight:
    """What can be seen of the executions in a store.

    Args:
        store: Where they are.
        registry: The plans that are known.
        codec: How values are written.
        live: Gives an execution that this process drives.
        lacks: Says what an execution lacks to go on, or an empty string.
        clock: By which :meth:`events` looks again.
    """

    def __init__(
        self,
        store: Reader,
        registry: Registry,
        codec: Codec,
        *,
        live: Callable[[str], Run | None] = _nobody,
        lacks: Callable[[ExecutionRow], str] = _as_written,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._registry = registry
        self._codec = codec
        self._live = live
        self._lacks = lacks
        self._clock = clock

    def workflows(self) -> tuple[Workflow[Any, Any], ...]:
        """Return the workflows that are known, each in its highest version, by name."""
        return self._registry.all()

    def queues(self) -> tuple[str, ...]:
        """Return the names of the queues that are known, in order."""
        return self._registry.queues.names()

    async def list(self, query: ExecutionQuery | None = None) -> tuple[ExecutionView, ...]:
        """Return executions, newest first."""
        rows = await self._store.list(query or ExecutionQuery())
        return tuple(view_row(row, self._codec, stranded=self._lacks(row)) for row in rows)

    async def get(self, execution_id: str) -> ExecutionView:
        """Return what can be seen of an execution.

        Raises:
            UnknownExecutionError: If there is none.
        """
        journal = await self._journal(execution_id)
        plan, run = self._plan(journal.row), self._live(execution_id)
        attempting = frozenset(run.attempting) if run else frozenset()
        steps = view_steps(journal, plan, self._codec, attempting) if plan else ()
        stranded = self._lacks(journal.row)
        return view_row(journal.row, self._codec, stranded=stranded, steps=steps, entries=journal.entries)

    async def history(self, execution_id: str) -> History:
        """Return everything that happened in an execution; see ``Engine.history``.

        Raises:
            UnknownExecutionError: If there is none.
        """
        return self._history(await self._journal(execution_id))

    def _history(self, journal: Journal) -> History:
        run, plan = self._live(journal.row.id), self._plan(journal.row)
        attempting = run.attempting if run else {}
        return read_history(journal, plan, self._codec, attempting=attempting, stranded=self._lacks(journal.row))

    async def graph(self, execution_id: str, form: DrawingFormat = "svg") -> str:
        """Return a picture of an execution: its plan, coloured by what its nodes are at.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If its plan is not known here.
            DefinitionError: If there is no such format.
        """
        if form not in DRAWINGS:
            raise refusal("graph: form", form, f"one of {', '.join(DRAWINGS)}")
        journal = await self._journal(execution_id)
        history, plan = self._history(journal), self._plan(journal.row)
        if plan is None:
            raise UnknownWorkflowError(
                f"{execution_id} is an execution of a plan of {journal.row.workflow!r} that is not registered here."
            )
        return DRAWINGS[form](plan, states_of(history), history.origin.words if history.origin else "")

    async def events(self, execution_id: str) -> AsyncIterator[ExecutionEvent]:
        """Yield what has happened to an execution, then what is written down of it, until it has ended.

        That an attempt begins is not written down: whoever drives the execution tells it, in ``Engine.events``.

        Raises:
            UnknownExecutionError: If there is none.
        """
        seq = 0
        while True:
            news = await self.news(execution_id, after=seq)
            for event in news.events:
                seq = event.seq
                yield event
            if news.ended:
                return
            await pause(self._clock, _LOOK_EVERY)

    async def news(self, execution_id: str, *, after: int = 0) -> "News":
        """Return what was written down of an execution after the entry of that number.

        Raises:
            UnknownExecutionError: If there is none.
        """
        journal = await self._journal(execution_id, after=after)
        events = tuple(entry_event(entry, execution_id, self._codec) for entry in journal.entries)
        return News(events, journal.row.status.ended)

    def _plan(self, row: ExecutionRow) -> Plan | None:
        return self._registry.find(row.workflow, row.plan_hash)

    async def _journal(self, execution_id: str, *, after: int = 0) -> Journal:
        journal = await self._store.load(execution_id, after=after)
        if journal is None:
            raise no_execution(execution_id)
        return journal


@asynccontextmanager
async def reading(
    reader: Reader, registry: Registry, codec: Codec, clock: Clock, *, lacks: Callable[[ExecutionRow], str]
) -> AsyncIterator[Insight]:
    """Give what can be seen over a reader, which is opened for that time."""
    await reader.open()
    try:
        yield Insight(reader, registry, codec, lacks=lacks, clock=clock)
    finally:
        await reader.close()


def states_of(history: History) -> dict[str, NodeState]:
    """Return in which state each node of an execution is drawn."""
    return {node.id: node_state(node.state, node.undo_state) for node in history.nodes}
