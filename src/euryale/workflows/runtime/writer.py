"""The one writer of a process: takes the commits that wait, from all executions, and writes them as one."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.eager import begin_task
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
    outage delays executions and fails none. A commit that can never be written fails alone,
    with what its execution hands in behind it.

    Attributes:
        alone: Says whether one execution is driven at most: then nobody's commit could go together with its.
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
        self._given_up: dict[tuple[str, int], StoreError] = {}
        self._called = False
        self._in_a_row = 0
        self.alone: Callable[[], bool] = lambda: False
        self._flushing: asyncio.Task[None] | None = None

    def submit(self, commit: Commit, told: _Told | None = None, *, lone: bool = False) -> asyncio.Future[None]:
        """Hand in a commit. It is written whatever becomes of the caller.

        Args:
            commit: What to write.
            told: Called with the commit at the moment at which it is durable, before anybody else is.
            lone: See :meth:`write`.

        Returns:
            Done when the commit is durable; its exception is a ``StaleOwnerError`` if it was refused, another
            ``StoreError`` if it was not written. Cancelling it recalls nothing.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if (failure := self._missing_before(commit)) is not None:
            _settle(done, failure)
            return done
        self._waiting.append((commit, done, told))
        if self._flushing is None and not self._called:
            if lone and self.alone():
                self._begin_task()
            else:
                self._called = True
                loop.call_soon(self._begin)  # what others hand in until then goes with it
        return done

    async def write(self, commit: Commit, told: _Told | None = None, *, lone: bool = False) -> None:
        """Write a commit; return when it is durable. It is written whatever becomes of the caller.

        Args:
            commit: See :meth:`submit`.
            told: See :meth:`submit`.
            lone: Whether its execution has a single strand. If it is alone, too, nobody is waited for whose commit
                could go with it; nor if the store gains nothing by that: it is written within this call, if it can be.

        Raises:
            StoreError: See :meth:`submit`.
        """
        if not self.write_now(commit, told, lone=lone):
            await self.submit(commit, told, lone=lone)
        elif self._in_a_row >= _MOST_IN_A_ROW:
            await self.give_way()

    def read_anew(self, execution_id: str, epoch: int) -> None:
        """Take in that an execution goes on from its journal: what could not be written of it is not missed."""
        self._given_up.pop((execution_id, epoch), None)

    async def give_way(self) -> None:
        """Let others have a turn, if several commits in a row were written at once."""
        if self._in_a_row >= _MOST_IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)

    async def drain(self) -> None:
        """Wait until all that was handed in is written, or has failed."""
        while self._waiting or self._flushing is not None:
            await (asyncio.wait([self._flushing]) if self._flushing is not None else asyncio.sleep(0))
        self._given_up.clear()

    def _begin(self) -> None:
        """Write what waits: at once if the store can, else in a task."""
        self._called = False
        if not self._write_at_once():
            self._begin_task()

    def _begin_task(self) -> None:
        """Begin to write in a task: what is to be sent is sent within this call, not a turn of the loop later."""
        self._flushing = begin_task(self._flush(), name="euryale-writer")

    def write_now(self, commit: Commit, told: _Told | None = None, *, lone: bool = False) -> bool:
        """Write a commit within this call, if nobody is to be waited for, and the store can; else return False.

        After one that was written, :meth:`give_way`.

        Args:
            commit: See :meth:`submit`.
            told: See :meth:`submit`.
            lone: See :meth:`write`.

        Raises:
            StaleOwnerError: If it was refused.
        """
        if (
            self._waiting
            or self._flushing is not None
            or self._missing_before(commit) is not None
            or not (self._store.instant or (lone and self.alone()))
        ):
            return False
        heard = self._telemetry.is_heard
        began = self._clock.monotonic() if heard else 0.0
        try:
            refused = self._store.write_at_once((commit,))
        except Exception:  # noqa: BLE001 -- it is tried again in the task, which deals with it
            return False
        if refused is None:
            return False
        if heard:
            self._report((commit,), len(refused), self._clock.monotonic() - began)
        if refused:
            raise _refusal(commit)
        self._in_a_row += 1
        if told is not None:
            _tell(told, commit)
        return True

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
        if not batch:
            return
        commits = [commit for commit, _, _ in batch]
        began = self._clock.monotonic()
        try:
            refused = await self._write_patiently(commits)
        except Exception as error:  # noqa: BLE001 -- every waiter must hear of it
            if len(batch) > 1 and (isinstance(error, UnwritableError) or not isinstance(error, StoreError)):
                for each in batch:  # only the commit at fault is to fail
                    await self._write(self._without_gaps([each]))
                return
            failure = error if isinstance(error, StoreError) else UnwritableError(f"The store failed: {error!r}")
            _log.error("%d commits could not be written: %s", len(batch), failure)
            self._given_up.update({(each.execution_id, each.epoch): failure for each in commits if _is_missed(each)})
            _fail(batch, failure)
            self._waiting = self._without_gaps(self._waiting)
            return
        self._written(batch, refused, began)

    def _missing_before(self, commit: Commit) -> StoreError | None:
        """Return why entries of its execution were given up that must be in the journal before it, or None."""
        if not self._given_up or not commit.entries:
            return None
        return self._given_up.get((commit.execution_id, commit.epoch))

    def _without_gaps(self, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Fail what comes behind entries that were given up; return the others."""
        going = []
        for each in batch:
            failure = self._missing_before(each[0])
            if failure is None:
                going.append(each)
            else:
                _settle(each[1], failure)
        return going

    def _written(self, batch: Sequence[_Waiting], refused: frozenset[int], began: float) -> None:
        """Tell all that wait for a batch that it was written."""
        if self._telemetry.is_heard:
            self._report([commit for commit, _, _ in batch], len(refused), self._clock.monotonic() - began)
        for position, (commit, done, told) in enumerate(batch):
            if commit.release is not None:
                self.read_anew(commit.execution_id, commit.epoch)
            if position in refused:
                _settle(done, _refusal(commit))
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


def _is_missed(commit: Commit) -> bool:
    """Whether a journal has a gap without it; one that creates its execution has nothing before or behind it."""
    return bool(commit.entries) and all(row.id != commit.execution_id for row in commit.create)


def _refusal(commit: Commit) -> StaleOwnerError:
    return StaleOwnerError(f"{commit.execution_id} is not ours any more, or exists already.")


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
