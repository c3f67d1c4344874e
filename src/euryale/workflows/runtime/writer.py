"""The one writer of a process: takes the commits that wait, from all executions, and writes them as one."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.telemetry import Telemetry
from euryale.workflows.errors import StaleOwnerError, StoreError, UnwritableError
from euryale.workflows.ports import JournalStore
from euryale.workflows.record.entry import Commit
from euryale.workflows.runtime.patience import Patience
from euryale.workflows.runtime.reports import AWAY, WRITTEN

_log = logging.getLogger("euryale.workflows")
_LARGEST_BATCH = 512
_MOST_IN_A_ROW = 8

_Told = Callable[[Commit], None]
_Waiting = tuple[Commit, asyncio.Future[None], _Told | None]


class Writer:
    """Group commit: it writes as soon as it is idle, so a lone execution waits for nobody.

    A store that is away is waited for: what was handed in stays queued, in order, and is written when it is back. So an
    outage delays executions and fails none. A commit that can never be written fails alone.

    Attributes:
        alone: Says whether a single execution is driven: then nobody's commit could go together with its.
    """

    def __init__(
        self,
        store: JournalStore,
        patience: Patience,
        telemetry: Telemetry | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._patience = patience
        self._telemetry = telemetry or Telemetry()
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._called = False
        self._in_a_row = 0
        self.alone: Callable[[], bool] = lambda: False
        self._flushing: asyncio.Task[None] | None = None

    def submit(self, commit: Commit, told: _Told | None = None, *, now: bool = False) -> asyncio.Future[None]:
        """Hand in a commit. It is written whatever becomes of the caller.

        Args:
            commit: What to write.
            told: Called with the commit at the moment at which it is durable, before anybody else is.
            now: Whether nobody is waited for whose commit could go with it: if the store can, it is written within this
                call.

        Returns:
            Done when the commit is durable; its exception is a ``StaleOwnerError`` if it was refused, another
            ``StoreError`` if it was not written. Cancelling it recalls nothing.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((commit, done, told))
        if self._flushing is None and not self._called:
            if now:
                self._begin()
            else:
                self._called = True
                loop.call_soon(self._begin)  # what others hand in until then goes with it
        return done

    async def write(self, commit: Commit, told: _Told | None = None, *, lone: bool = False) -> None:
        """Write a commit; return when it is durable. It is written whatever becomes of the caller.

        Args:
            commit: See :meth:`submit`.
            told: See :meth:`submit`.
            lone: Whether its execution has a single strand. If it is alone, too, it is written at once, if it can be.

        Raises:
            StoreError: See :meth:`submit`.
        """
        done = self.submit(commit, told, now=lone and self.alone())
        if not done.done():
            await done
            return
        self._in_a_row += 1
        if self._in_a_row >= _MOST_IN_A_ROW:  # nobody else has had a turn meanwhile
            self._in_a_row = 0
            await asyncio.sleep(0)
        done.result()

    async def drain(self) -> None:
        """Wait until all that was handed in is written, or has failed."""
        while self._waiting or self._flushing is not None:
            await (asyncio.wait([self._flushing]) if self._flushing is not None else asyncio.sleep(0))

    def _begin(self) -> None:
        """Write what waits: at once if the store can, else in a task."""
        self._called = False
        if not self._write_at_once():
            self._flushing = asyncio.get_running_loop().create_task(self._flush(), name="euryale-writer")

    def _write_at_once(self) -> bool:
        batch = self._waiting
        if len(batch) > _LARGEST_BATCH:
            return False
        commits, began = [commit for commit, _, _ in batch], self._clock.monotonic()
        try:
            refused = self._store.write_at_once(commits)
        except Exception:  # noqa: BLE001 -- it is tried again in the task, which deals with it
            return False
        if refused is None:
            return False
        self._waiting = []
        self._written(batch, refused, began)
        return True

    async def _flush(self) -> None:
        batch: list[_Waiting] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_LARGEST_BATCH], self._waiting[_LARGEST_BATCH:]
                await self._write(batch)
        except BaseException as error:
            _fail([*batch, *self._waiting], StoreError(f"The writer was stopped: {error!r}"))
            self._waiting = []
            raise
        finally:
            self._flushing = None

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        commits = [commit for commit, _, _ in batch]
        began = self._clock.monotonic()
        try:
            refused = await self._write_patiently(commits)
        except Exception as error:  # noqa: BLE001 -- every waiter must hear of it
            if len(batch) > 1 and (isinstance(error, UnwritableError) or not isinstance(error, StoreError)):
                for each in batch:  # only the commit at fault is to fail
                    await self._write([each])
                return
            failure = error if isinstance(error, StoreError) else UnwritableError(f"The store failed: {error!r}")
            _log.error("%d commits could not be written: %s", len(batch), failure)
            behind: list[_Waiting] = []
            if not isinstance(failure, UnwritableError):  # patience is over: what came later must not be there without
                behind, self._waiting = self._waiting, []
            _fail([*batch, *behind], failure)
            return
        self._written(batch, refused, began)

    def _written(self, batch: Sequence[_Waiting], refused: frozenset[int], began: float) -> None:
        """Tell all that wait for a batch that it was written."""
        if self._telemetry.is_heard:
            self._report([commit for commit, _, _ in batch], len(refused), self._clock.monotonic() - began)
        for position, (commit, done, told) in enumerate(batch):
            if position in refused:
                _settle(done, StaleOwnerError(f"{commit.execution_id} is not ours any more, or exists already."))
                continue
            if told is not None:
                _tell(told, commit)
            _settle(done, None)

    async def _write_patiently(self, commits: Sequence[Commit]) -> frozenset[int]:
        try:
            return await self._store.write(commits)
        except UnwritableError:
            raise
        except StoreError as error:  # it is away: from here on with pauses, until it is back
            self._telemetry.report(AWAY, error=str(error))
            return await self._patience.outlast("writing the journal", lambda: self._store.write(commits))

    def _report(self, commits: Sequence[Commit], refused: int, seconds: float) -> None:
        entries = sum(len(each.entries) for each in commits)
        self._telemetry.report(WRITTEN, commits=len(commits), entries=entries, refused=refused, seconds=seconds)


def _fail(batch: Sequence[_Waiting], error: StoreError) -> None:
    for _, done, _ in batch:
        _settle(done, error)


def _tell(told: _Told, commit: Commit) -> None:
    try:
        told(commit)
    except Exception:  # noqa: BLE001 -- whatever a watcher does, what is written is written
        _log.exception("a commit of %s is written, and not told", commit.execution_id)


def _settle(done: asyncio.Future[None], error: StoreError | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        done.exception()  # a waiter that was cancelled does not look at it: it is logged above
