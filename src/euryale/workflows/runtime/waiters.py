"""Who waits for an execution that is not driven here at the moment."""

import asyncio


class Waiters:
    """Wakes whoever waits when an execution stirs: it is claimed here, or it has ended, here or elsewhere."""

    def __init__(self) -> None:
        self._futures: dict[str, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        """Return for how many executions somebody waits."""
        return len(self._futures)

    def future(self, execution_id: str) -> "asyncio.Future[None]":
        """Return what is done when the execution stirs next; shared by all who wait: shield it."""
        future = self._futures.get(execution_id)
        if future is None:
            future = self._futures[execution_id] = asyncio.get_running_loop().create_future()
        return future

    def stir(self, execution_id: str) -> None:
        """Wake whoever waits for that execution."""
        future = self._futures.pop(execution_id, None)
        if future is not None and not future.done():
            future.set_result(None)

    def stir_all(self) -> None:
        """Wake everybody."""
        for execution_id in tuple(self._futures):
            self.stir(execution_id)
