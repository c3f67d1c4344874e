"""Which executions are in this process: live, or about to be."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from euryale.workflows.errors import EngineClosedError, WorkflowError
from euryale.workflows.record.entry import ExecutionRow, Journal
from euryale.workflows.runtime.executor import Executor
from euryale.workflows.runtime.reporter import Reporter
from euryale.workflows.runtime.waiters import Waiters


class Presence:
    """The executions that this process drives (*live*), and those that it is about to (*opening*).

    Args:
        reporter: Is told which become live, and which are so no more.

    Attributes:
        live: The executors of those that are live, by id.
        waiters: Who waits for others.
        owner: The name under which this process owns executions.
        closed: Whether it drives none any more.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.live: dict[str, Executor] = {}
        self.waiters = Waiters()
        self.owner = ""
        self.closed = True
        self._opening: dict[str, asyncio.Future[None]] = {}
        self._aside: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self.live) + len(self._opening)

    def __contains__(self, execution_id: str) -> bool:
        return execution_id in self.live or execution_id in self._opening

    @property
    def places(self) -> int:
        """How many places of the worker they take: those that only wait for another one to be undone take none."""
        return len(self) - len(self._aside)

    @contextlib.contextmanager
    def aside(self, execution_id: str) -> Iterator[None]:
        """Let an execution take no place within the block: what it waits for may need it."""
        self._aside[execution_id] += 1
        try:
            yield
        finally:
            self._aside[execution_id] -= 1
            if not self._aside[execution_id]:
                del self._aside[execution_id]

    def has_live(self, row: ExecutionRow) -> bool:
        """Whether it is driven here under that epoch: if its claim's answer was lost, it is given again."""
        live = self.live.get(row.id)
        return live is not None and live.run.row.epoch == row.epoch

    def under_way(self) -> list[asyncio.Future[Any]]:
        """Return what is done when each of them is not here any more, or is live."""
        return [*(executor.done for executor in self.live.values()), *self._opening.values()]

    def admit(self, executor: Executor, journal: Journal) -> None:
        """Let an execution be live, and take in what it was told before."""
        self.live[journal.row.id] = executor
        self._reporter.claimed(journal)
        for message in journal.messages:
            executor.take(message)
        self.waiters.stir(journal.row.id)

    def forget(self, executor: Executor, cause: str) -> None:
        """Take in that an executor drives its execution no more, unless that was not live any more."""
        row = executor.run.row
        if self.live.get(row.id) is executor:
            del self.live[row.id]
            self._reporter.let_go(row, cause)

    def drop_all(self, error: WorkflowError, cause: str) -> None:
        """Let go of all that are live, whatever is done at them; whoever waits for one is told why."""
        for executor in self.live.values():
            self._reporter.let_go(executor.run.row, cause)
            executor.drop(error)
        self.live.clear()
        self.waiters.stir_all()

    def open(
        self, execution_id: str, written: asyncio.Future[None], then: Callable[[asyncio.Future[None]], None]
    ) -> None:
        """Let an execution be about to be live until something is written; ``then`` says what becomes of it."""

        def settle(written: asyncio.Future[None]) -> None:
            self._opened(execution_id, written)
            then(written)

        self._opening[execution_id] = written
        written.add_done_callback(settle)

    @contextlib.contextmanager
    def opening(self, *execution_ids: str) -> Iterator[None]:
        """Let executions be about to be live within the block."""
        opening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._opening.update(dict.fromkeys(execution_ids, opening))
        try:
            yield
        finally:
            for execution_id in execution_ids:
                self._opened(execution_id, opening)
            opening.set_result(None)

    def _opened(self, execution_id: str, opening: asyncio.Future[None]) -> None:
        if self._opening.get(execution_id) is opening:  # else it is about to be live for another reason by now
            del self._opening[execution_id]

    async def opened(self, execution_id: str) -> None:
        """Wait while the execution is about to be live."""
        while (opening := self._opening.get(execution_id)) is not None:
            await asyncio.wait([opening])


def closed_error() -> EngineClosedError:
    """Return the error of those who wait for an execution when the engine is closed."""
    return EngineClosedError("The engine was closed; the execution goes on when it is opened again.")
