"""What schedules promise, checked at the door of the store: by the ticks that there are, counted anew."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from euryale.kit.clock import ManualClock
from euryale.workflows.record.schedule import Fired, Firing
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.simulator.arrangement import Timetable, moment
from euryale.workflows.testing.simulator.course import Trace
from euryale.workflows.testing.simulator.queue_watch import QueueWatch

_IN_TIME: Final = 60.0
_SETTLING: Final = 15.0
_PROMPTLY: Final = 5.0


@dataclass(slots=True)
class _Progress:
    """How far a schedule is.

    Attributes:
        decided: The last tick that is decided.
        ahead: The last tick that was decided before its time, as a clock was wrong.
        former: The execution that was started last.
        settled: When ticks were decided that were not missed, in true seconds.
    """

    decided: float
    ahead: float = 0.0
    former: str = ""
    settled: dict[float, float] = field(default_factory=dict)


class TickWatch:
    """Keeps count of ticks.

    Args:
        store: The store itself.
        trace: Where violations are noted.
        clock: The true time.
        timetables: The schedules, by name.
        queues: Knows which executions have ended.
    """

    def __init__(
        self,
        store: MemoryStore,
        trace: Trace,
        clock: ManualClock,
        timetables: Mapping[str, Timetable],
        queues: QueueWatch,
    ) -> None:
        self._store = store
        self._trace = trace
        self._clock = clock
        self._timetables = timetables
        self._queues = queues
        self._progress: dict[str, _Progress] = {}
        self._asked: dict[tuple[str, str], Firing] = {}
        self._calm_from = float("inf")

    def registered(self, name: str, now: float) -> None:
        """A worker makes a schedule known: no tick before the first time fires."""
        self._progress.setdefault(name, _Progress(now))

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self._calm_from = self._clock.now().timestamp() + _SETTLING

    def asks(self, process: str, firing: Firing, now: float) -> None:
        """A worker wants a tick to be decided, by its clock; again, if the answer was lost."""
        if firing.by_hand or self._asked.get((process, firing.schedule)) is firing:
            return
        self._asked[process, firing.schedule] = firing
        table, what = self._timetables[firing.schedule], f"{firing.schedule} {moment(firing.at)}"
        if firing.at % table.period:
            self._trace.violated(f"{what} is no tick")
        if firing.at > now:
            self._trace.violated(f"{what} fires {firing.at - now:.3f} s early")
        late = table.catch_up == "none" and firing.at <= now - _IN_TIME
        missed = table.between(firing.at, now) >= table.limit or late
        if missed != (firing.reason == "missed"):
            self._trace.violated(f"{what} is {'not ' if missed else ''}missed, and is taken for the contrary")

    async def fires(self, firing: Firing, fire: Callable[[], Awaitable[Fired]]) -> Fired:
        """Let a tick be decided, and see that it was by what the schedule promises."""
        table, progress = self._timetables[firing.schedule], self._progress[firing.schedule]
        before, former = progress.decided, progress.former
        former_open = bool(former) and not self._queues.has_ended(former)
        known = firing.execution is not None and await self._store.load(firing.execution.id) is not None
        fired = await fire()
        what = f"{firing.schedule} {'by hand' if firing.by_hand else moment(firing.at)}"
        self._trace.note("store", f"{what} is {fired.outcome} {firing.reason}".rstrip())
        if fired.outcome == "late":
            if firing.by_hand or firing.at > before:
                self._trace.violated(f"{what} is refused, and nothing was decided about it")
            return fired
        if not firing.by_hand:
            self._decide(table, progress, firing, what)
        if firing.execution is None or known:
            return fired
        if fired.outcome == "fired":
            self._queues.created(firing.execution)
            progress.former = firing.execution.id
            await self._check_overlap(table, former if former_open else "", firing.execution.id, what)
        elif not (table.overlap == "forbid" and former_open):
            self._trace.violated(f"{what} is skipped, and nothing forbids it")
        return fired

    def _decide(self, table: Timetable, progress: _Progress, firing: Firing, what: str) -> None:
        if firing.at <= progress.decided:
            self._trace.violated(f"{what} is decided a second time")
        if firing.reason != "missed":
            if firing.at != table.following(progress.decided):
                self._trace.violated(f"{what} is decided, and ticks before it are lost")
            progress.settled[firing.at] = self._clock.now().timestamp()
        progress.decided = firing.at
        if firing.at > self._clock.now().timestamp():
            progress.ahead = firing.at

    async def _check_overlap(self, table: Timetable, unfinished: str, created: str, what: str) -> None:
        if await self._store.load(created) is None:
            self._trace.violated(f"{what} has fired, and there is no execution")
        if unfinished and table.overlap == "forbid":
            self._trace.violated(f"{what} fires though {unfinished} has not ended")
        if unfinished and table.overlap == "cancel":
            journal = await self._store.load(unfinished)
            if journal is not None and any(message.kind == "cancel" for message in journal.messages):
                self._queues.cancelled(unfinished)
            elif not self._queues.is_undone(unfinished):
                self._trace.violated(f"{what} fires, and {unfinished}, which has not ended, is not told to")

    def violations(self) -> Iterator[str]:
        """Yield the ticks in the calm that nobody decided in time; a clock that was ahead has decided some before."""
        now = self._clock.now().timestamp()
        for name, progress in self._progress.items():
            table = self._timetables[name]
            tick = table.following(max(self._calm_from, progress.ahead))
            while tick + _PROMPTLY < now:
                settled = progress.settled.get(tick)
                if settled is None or settled > tick + _PROMPTLY:
                    yield f"{name} {moment(tick)} was not fired in time, though nothing went wrong"
                tick += table.period
