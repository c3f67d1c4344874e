"""Which executions are in this process: live, or about to be."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.runtime.executor import Executor


class Presence:
    """The executions that this process drives (*live*), and those that it is about to (*opening*).

    Attributes:
        live: The executors of those that are live, by id.
    """

    def __init__(self) -> None:
        self.live: dict[str, Executor] = {}
        self._opening: dict[str, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self.live) + len(self._opening)

    def __contains__(self, execution_id: str) -> bool:
        return execution_id in self.live or execution_id in self._opening

    def has_live(self, row: ExecutionRow) -> bool:
        """Whether it is driven here under that epoch: if its claim's answer was lost, it is given again."""
        live = self.live.get(row.id)
        return live is not None and live.run.row.epoch == row.epoch

    def under_way(self) -> list[asyncio.Future[Any]]:
        """Return what is done when each of them is not here any more, or is live."""
        return [*(executor.done for executor in self.live.values()), *self._opening.values()]

    def forget(self, executor: Executor) -> bool:
        """Take in that an executor drives its execution no more; False if it was not live any more."""
        execution_id = executor.run.row.id
        if self.live.get(execution_id) is not executor:
            return False
        del self.live[execution_id]
        return True

    def open(
        self, execution_id: str, written: asyncio.Future[None], then: Callable[[asyncio.Future[None]], None]
    ) -> None:
        """Let an execution be about to be live until something is written; ``then`` says what becomes of it."""

        def settle(written: asyncio.Future[None]) -> None:
            self._opening.pop(execution_id, None)
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
                self._opening.pop(execution_id, None)
            opening.set_result(None)

    async def opened(self, execution_id: str) -> None:
        """Wait while the execution is about to be live."""
        while (opening := self._opening.get(execution_id)) is not None:
            await asyncio.wait([opening])
