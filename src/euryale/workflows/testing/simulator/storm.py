"""What a simulation does to its workers and their steps, until it calms down."""

import asyncio
import functools
import inspect
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from euryale.kit.clock import ManualClock, pause
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import Step
from euryale.workflows.engine import Engine
from euryale.workflows.ports import Codec
from euryale.workflows.record.entry import ExecutionRow, Journal
from euryale.workflows.record.states import Status
from euryale.workflows.requests import ExecutionQuery
from euryale.workflows.runtime.context import step_context
from euryale.workflows.runtime.relay import ReleasedEvent
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.simulator.arrangement import TICKING, arrange
from euryale.workflows.testing.simulator.course import Disturbances, Load, Trace
from euryale.workflows.testing.simulator.distance import DistantStore
from euryale.workflows.testing.simulator.observer import Observer
from euryale.workflows.testing.simulator.outside import Outside
from euryale.workflows.testing.simulator.places import with_called
from euryale.workflows.testing.simulator.process import Life, Process
from euryale.workflows.testing.simulator.worker import SimulatedWorker
from euryale.workflows.testing.substitution import Part, Substitution

_LEASE: Final = 15.0
_STORM: Final = 50.0
_CALM: Final = 3600.0
_LOOK_EVERY: Final = 5.0
_LONGEST_STOP: Final = 60.0
_LONGEST_DRAIN: Final = 20.0
_LARGEST_SKEW: Final = 600.0
_HANG: Final = 60.0
_USUAL_STEP: Final = 2.0
_SETTLING: Final = 30.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What a simulation consists of.

    Attributes:
        loads: The workflows.
        executions: How many are started.
        workers: How many workers there are at a time.
        disturbances: What goes wrong, and how often.
        services: What steps get by ``inject()``.
        codec: Makes each worker's codec.
    """

    loads: Sequence[Load]
    executions: int
    workers: int
    disturbances: Disturbances
    services: Mapping[Any, Any]
    codec: Callable[[], Codec]


class InducedError(Exception):
    """A step fails, as the simulation wants it to."""


class Storm:
    """Everything that may go wrong.

    Attributes:
        observer: What was checked while it blew.
        outside: What was said from outside, and what was answered.
        delivered: The ids of the events that were delivered, by the execution that emitted them.
        plans: The plans of all workflows, by name.
    """

    def __init__(self, setting: Setting, random: Random, clock: ManualClock, trace: Trace) -> None:
        self._setting = setting
        self._disturbances = setting.disturbances
        self._random = random
        self._clock = clock
        self._trace = trace
        self._store = MemoryStore(shared=True, clock=clock)
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._machines: list[SimulatedWorker] = []
        self._all: list[SimulatedWorker] = []  # the dead as well: else the collector breaks off what they wait for
        self._calm = False
        self.delivered: defaultdict[str, set[str]] = defaultdict(set)
        known = with_called(load.workflow for load in setting.loads)
        self.plans: dict[str, Plan] = {each.name: each.plan for each in known}
        self._arrangement = arrange(random, setting.loads, setting.executions, clock.now())
        self.observer = Observer(self._store, trace, clock, setting.codec(), self.plans, self._arrangement)
        self.outside = Outside(self._store, random, clock, trace, self._disturbances, self.observer)
        self.outside.know(setting.loads, self.plans)

    async def blow(self) -> None:
        """Let it storm, then calm down, and return when everything has ended."""
        asyncio.get_running_loop().set_exception_handler(self._unhandled)
        self._machines.extend(self._begin_process(f"w{at}") for at in range(self._setting.workers))
        self.outside.workers = self._machines
        for start in self._arrangement.starts:
            self._spawn(self.outside.live(start))
        for timetable in self._arrangement.timetables:
            self._trace.note("", str(timetable.cadence))
            self._spawn(self.outside.trigger(timetable.name))
        for disturb, rate in (
            (self._crash, self._disturbances.crashes),
            (self._restart, self._disturbances.restarts),
            (self._drain, self._disturbances.drains),
            (self._freeze, self._disturbances.freezes),
            (self._jump, self._disturbances.jumps),
        ):
            if rate:
                self._spawn(self._repeat(disturb, rate / 60))
        await pause(self._clock, _STORM)
        self._calm_down()
        await self._await_ends()

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        self._trace.violated(f"unhandled: {context.get('message')}: {context.get('exception')!r}")

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._tasks[asyncio.get_running_loop().create_task(coroutine)] = None

    async def _repeat(self, disturb: Callable[[], Awaitable[None]], rate: float) -> None:
        while True:
            await pause(self._clock, self._random.expovariate(rate))
            if self._calm:
                return
            await disturb()

    def _begin_process(self, machine: str) -> SimulatedWorker:
        process = Process(f"{machine}.{len(self._all) + 1}", self._clock)
        store = DistantStore(self._store, process, self._random, self._disturbances, self._trace, self.observer)
        store.calm = self._calm
        substitution = Substitution(functools.partial(self._around, process, store))
        workflows = {load.workflow.name: substitution.of(load.workflow) for load in self._setting.loads}
        engine = Engine(
            store,
            workflows=workflows.values(),
            queues=self._arrangement.queues,
            schedules=[each.schedule(workflows[each.load.workflow.name]) for each in self._arrangement.timetables],
            services=self._setting.services,
            deliver=functools.partial(self._deliver, process),
            codec=self._setting.codec(),
            clock=process,
            randomness=self._random,
            concurrency=self._random.choice((1, 3, 1000)),
            lease=_LEASE,
            rest_after=self._random.choice((0.0, 1.0, 3600.0)),
        )
        worker = SimulatedWorker(process, store, engine, workflows)
        self._all.append(worker)
        self._trace.note(process.name, "begins")
        self._spawn(worker.open())
        return worker

    async def _crash(self) -> None:
        at = self._random.randrange(len(self._machines))
        victim = self._machines[at].process
        if victim.life is Life.DEAD:
            return
        victim.die()
        self._trace.note(victim.name, "dies")
        await pause(self._clock, self._random.random() * 20)
        self._machines[at] = self._begin_process(f"w{at}")

    async def _restart(self) -> None:
        at = self._random.randrange(len(self._machines))
        worker = self._machines[at]
        if worker.runs:
            worker.ready = False
            self._trace.note(worker.process.name, "is closed")
            closing = asyncio.get_running_loop().create_task(worker.engine.close())
            self._tasks[closing] = None
            await asyncio.wait([closing], timeout=_LONGEST_STOP)
            worker.process.die()
            self._machines[at] = self._begin_process(f"w{at}")

    async def _drain(self) -> None:
        at = self._random.randrange(len(self._machines))
        worker = self._machines[at]
        if not worker.runs:
            return
        worker.ready, process = False, worker.process
        process.drained = self._clock.monotonic()
        self._trace.note(process.name, "is drained")
        draining = asyncio.get_running_loop().create_task(worker.engine.drain(self._random.random() * _LONGEST_DRAIN))
        self._tasks[draining] = None
        await asyncio.wait([draining], timeout=_LONGEST_STOP)
        if draining.done():
            let_go, left = draining.result(), self.observer.left_by(process)
            self._trace.note(process.name, f"is drained {'to the end' if let_go else 'of what had ended in time'}")
            if let_go and left:
                self._trace.violated(f"{process.name} was drained, and has not let go of {left}")
        process.die()
        self._machines[at] = self._begin_process(f"w{at}")

    async def _freeze(self) -> None:
        process = self._random.choice(self._machines).process
        process.stop()
        self._trace.note(process.name, "is stopped")
        await pause(self._clock, self._random.random() * _LONGEST_STOP)
        if process.life is Life.STOPPED:
            self._trace.note(process.name, "goes on")
            process.resume()

    async def _jump(self) -> None:
        process = self._random.choice(self._machines).process
        skew = self._random.choice((0.0, self._random.uniform(-_LARGEST_SKEW, _LARGEST_SKEW)))
        self._trace.note(process.name, f"has a clock that is wrong by {skew:.1f} s")
        process.set_clock(skew)

    def _around(
        self, process: Process, store: DistantStore, step: Step[..., Any, Any], part: Part, function: Callable[..., Any]
    ) -> Callable[..., Any]:
        """Return what is called instead of a step's function, or its compensation's."""
        chance = self._disturbances.step_failure if part == "do" else self._disturbances.undo_failure

        @functools.wraps(function)
        async def call(*args: Any, **arguments: Any) -> Any:
            context = step_context()
            self.observer.enters(process, context, part)
            await process.go_on()
            if part == "do":
                await self.observer.begins(process, store, context)
                if step.options.completes == "externally":
                    self._spawn(self.outside.complete(context.token, step.name))
            else:
                await self.observer.undoes(process, store, context, step, args[0])
            fails = self._draw(chance)
            does_nothing = fails and self._draw(0.5)
            await self._work(process)
            if does_nothing:
                raise InducedError("before it did anything")
            result = function(*args, **arguments)
            result = await result if inspect.isawaitable(result) else result
            if part == "do":
                self.observer.marks.returned(context.execution, context.step, result)
            await self._work(process)
            if fails:
                raise InducedError("after it did its work")
            return result

        return call

    async def _work(self, process: Process) -> None:
        longest = _HANG if self._draw(self._disturbances.hang) else _USUAL_STEP
        await process.pause(self._random.random() ** 3 * longest)

    def _draw(self, chance: float) -> bool:
        return not self._calm and self._random.random() < chance

    async def _deliver(self, process: Process, event: ReleasedEvent) -> None:
        await process.go_on()
        self._trace.note(process.name, f"delivers {event.name} of {event.execution_id}")
        self.delivered[event.execution_id].add(event.id)
        if self._draw(self._disturbances.delivery_failure):
            raise InducedError("after the delivery")

    def _calm_down(self) -> None:
        """Mend everything."""
        self._calm = True
        self._trace.note("", "calm")
        self.observer.ticks.calm()
        for at, worker in enumerate(self._machines):
            worker.store.calm = True
            worker.process.resume()
            worker.process.set_clock(0.0)
            if worker.process.life is Life.DEAD:
                self._machines[at] = self._begin_process(f"w{at}")

    async def _await_ends(self) -> None:
        """Tell executions what they wait for, try once more what gave up, and wait until all have ended."""
        began, tried = self._clock.monotonic(), set[str]()
        until = began + _CALM
        while self._clock.monotonic() < until:
            await pause(self._clock, _LOOK_EVERY)
            journals = await self.journals()
            left = [each for each in journals.values() if not each.row.status.ended]
            if _SETTLING <= self._clock.monotonic() - began < _SETTLING + _LOOK_EVERY:
                self._check_due(each.row for each in left)
            failed = [name for name, each in journals.items() if each.row.status is Status.FAILED]
            again = [name for name in failed if name not in tried and not journals[name].row.parent_id]
            started = self.outside.answered == self._setting.executions
            ticking = self._arrangement.timetables and self._clock.monotonic() < TICKING
            if started and not ticking and not left and not again and not await self._store.released(1):
                return
            for journal in left:
                await self.outside.answer(journal)
            for name in again:
                tried.add(name)
                await self.outside.retry(name)
        self._trace.violated("not everything has ended")

    def _check_due(self, rows: Iterable[ExecutionRow]) -> None:
        """Nothing that was due when it was created is held up by a clock that was wrong then."""
        now = self._clock.now().timestamp()
        for row in rows:
            if (
                row.status is Status.PENDING
                and row.available_at is not None
                and now < row.available_at <= row.created_at
            ):
                self._trace.violated(
                    f"{row.id} is held up for {row.available_at - now:.0f} s by a clock that was wrong"
                )

    async def journals(self) -> dict[str, Journal]:
        """Return all executions as the store has them."""
        rows = await self._store.list(ExecutionQuery(limit=100_000))
        found = [await self._store.load(row.id) for row in sorted(rows, key=lambda row: row.id)]
        return {journal.row.id: journal for journal in found if journal is not None}
