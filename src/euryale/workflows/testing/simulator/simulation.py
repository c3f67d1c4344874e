"""A simulation: many executions, several workers on one store, and everything that may go wrong, out of one number."""

import asyncio
import functools
import inspect
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from euryale.kit.clock import ManualClock, pause
from euryale.kit.ids import ids_from
from euryale.workflows.codec import JsonCodec
from euryale.workflows.definition.nodes import ChildNode, DetachNode, EachNode
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import Step
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.engine import Engine
from euryale.workflows.ports import Codec, ExecutionQuery
from euryale.workflows.record.entry import Journal
from euryale.workflows.record.states import Status
from euryale.workflows.runtime.context import step_context
from euryale.workflows.runtime.relay import ReleasedEvent
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.simulator.course import Disturbances, Load, Trace, ViolationError
from euryale.workflows.testing.simulator.invariants import event_violations, family_violations, journal_violations
from euryale.workflows.testing.simulator.observer import Observer
from euryale.workflows.testing.simulator.outside import Outside
from euryale.workflows.testing.simulator.worker import DistantStore, Life, Process, SimulatedWorker
from euryale.workflows.testing.substitution import Part, Substitution
from euryale.workflows.testing.virtual_time import run_in_virtual_time

_LEASE: Final = 15.0
_STORM: Final = 50.0
_CALM: Final = 3600.0
_LOOK_EVERY: Final = 5.0
_LONGEST_STOP: Final = 60.0
_LARGEST_SKEW: Final = 7200.0
_HANG: Final = 60.0
_USUAL_STEP: Final = 2.0


@dataclass(frozen=True, slots=True)
class Simulation:
    """What came of one number.

    Attributes:
        seed: The number.
        digest: A fingerprint of the trace: the same number gives the same, with the same code.
        trace: What happened, a line for each thing.
        statuses: How the executions ended, by their ids.
    """

    seed: int
    digest: str
    trace: tuple[str, ...]
    statuses: Mapping[str, Status]


def simulate(  # noqa: PLR0913 -- what may be chosen; all but the first two have defaults
    seed: int,
    loads: Sequence[Load],
    *,
    executions: int = 6,
    workers: int = 3,
    disturbances: Disturbances | None = None,
    services: Mapping[Any, Any] | None = None,
    codec: Callable[[], Codec] = JsonCodec,
) -> Simulation:
    """Run workflows for fifty seconds of virtual time in which everything goes wrong, then until all of them have ended.

    Nothing real is waited for, and all chance comes from the seed. What is checked is written down in
    docs/explanation/proofs.md.

    Args:
        seed: Decides on everything.
        loads: The workflows: each execution is one of them, drawn by chance.
        executions: How many are started.
        workers: How many workers there are at a time.
        disturbances: What goes wrong, and how often; default: the usual, varied by the seed.
        services: What steps get by ``inject()``; must not wait for anything real.
        codec: Makes each worker's codec.

    Raises:
        ViolationError: If something was not as it must be; with the trace.

    Example:
        >>> simulate(7, [Load(place_order, lambda random: Order(random.randint(1, 9)))]).statuses
        {'e0': <Status.SUCCEEDED: 'succeeded'>, ...}
    """
    random, clock = Random(seed), ManualClock()  # noqa: S311 -- a simulation, not cryptography
    trace = Trace(clock)
    chosen = disturbances or Disturbances().varied(random)
    with ids_from(clock, random.randbytes), _LogWatch(trace):
        storm = _Storm(random, clock, trace, chosen, loads, services or {}, codec)
        statuses = run_in_virtual_time(storm.blow(executions, workers), clock)
    if trace.violations:
        told = "\n".join(trace.violations)
        raise ViolationError(f"seed {seed}: {told}\n\n{chosen}\n" + "\n".join(trace.lines) + f"\n\nseed {seed}: {told}")
    return Simulation(seed, trace.digest, tuple(trace.lines), statuses)


class _LogWatch(logging.Handler):
    """Keeps the log quiet; a fault of the engine in it is a violation."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(logging.ERROR)
        self._trace = trace
        self._log = logging.getLogger("euryale.workflows")

    def __enter__(self) -> None:
        self._log.addHandler(self)
        self._log.propagate = False

    def __exit__(self, *_: object) -> None:
        self._log.removeHandler(self)
        self._log.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a fault of the engine."""
        if record.exc_info and "fault of the engine" in record.msg:
            self._trace.violated(f"{record.getMessage()}: {record.exc_info[1]!r}")


class InducedError(Exception):
    """A step fails, as the simulation wants it to."""


class _Storm:
    """Everything that may go wrong."""

    def __init__(  # noqa: PLR0913, PLR0917 -- a simulation's parts
        self,
        random: Random,
        clock: ManualClock,
        trace: Trace,
        disturbances: Disturbances,
        loads: Sequence[Load],
        services: Mapping[Any, Any],
        codec: Callable[[], Codec],
    ) -> None:
        self._random = random
        self._clock = clock
        self._trace = trace
        self._disturbances = disturbances
        self._loads = loads
        self._services = services
        self._codec = codec
        self._store = MemoryStore(shared=True, clock=clock)
        self._observer = Observer(self._store, trace, codec())
        self._outside = Outside(self._store, random, clock, trace, disturbances)
        self._delivered: defaultdict[str, set[str]] = defaultdict(set)
        self._plans: dict[str, Plan] = {}
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._machines: list[SimulatedWorker] = []
        self._made = 0
        self._calm = False
        for load in loads:
            self._know(load.workflow)
            self._outside.know(load, self._plans)

    def _know(self, workflow: Workflow[Any, Any]) -> None:
        if workflow.name in self._plans:
            return
        self._plans[workflow.name] = workflow.plan
        self._observer.know(workflow)
        for node in workflow.plan.nodes.values():
            called = node.workflow if isinstance(node, ChildNode | DetachNode) else None
            called = node.body if isinstance(node, EachNode) else called
            if isinstance(called, Workflow):
                self._know(called)

    async def blow(self, executions: int, workers: int) -> dict[str, Status]:
        """Let it storm, then calm down; return how everything ended."""
        asyncio.get_running_loop().set_exception_handler(self._unhandled)
        for _ in range(workers):
            self._begin_machine()
        lives = [self._outside.live(number, self._random.choice(self._loads)) for number in range(executions)]
        for life in lives:
            self._spawn(life)
        for disturb, rate in (
            (self._crash, self._disturbances.crashes),
            (self._restart, self._disturbances.restarts),
            (self._freeze, self._disturbances.freezes),
            (self._jump, self._disturbances.jumps),
        ):
            if rate:
                self._spawn(self._repeat(disturb, rate / 60))
        await pause(self._clock, _STORM)
        await self._calm_down(executions)
        return await self._check()

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        if not isinstance(context.get("exception"), InducedError):
            self._trace.violated(f"unhandled: {context.get('message')}: {context.get('exception')!r}")

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks[task] = None

    async def _repeat(self, disturb: Callable[[], Awaitable[None]], rate: float) -> None:
        while True:
            await pause(self._clock, self._random.expovariate(rate))
            if self._calm:
                return
            await disturb()

    def _begin_machine(self) -> None:
        self._machines.append(self._begin_process(f"w{len(self._machines)}"))
        self._outside.workers = self._machines

    def _begin_process(self, machine: str) -> SimulatedWorker:
        self._made += 1
        process = Process(f"{machine}.{self._made}", self._clock)
        store = DistantStore(self._store, process, self._random, self._disturbances, self._trace)
        store.guard, store.calm = self._observer.write, self._calm
        substitution = Substitution(functools.partial(self._around, process, store))
        workflows = {load.workflow.name: substitution.of(load.workflow) for load in self._loads}
        engine = Engine(
            store,
            workflows=workflows.values(),
            services=self._services,
            deliver=functools.partial(self._deliver, process),
            codec=self._codec(),
            clock=process,
            randomness=self._random,
            concurrency=self._random.choice((1, 3, 1000)),
            lease=_LEASE,
            rest_after=self._random.choice((0.0, 1.0, 3600.0)),
        )
        worker = SimulatedWorker(process, store, engine, workflows)
        self._trace.note(process.name, "begins")
        self._spawn(worker.open())
        return worker

    async def _crash(self) -> None:
        at = self._random.randrange(len(self._machines))
        victim = self._machines[at]
        if victim.process.life is Life.DEAD:
            return
        victim.process.die()
        self._trace.note(victim.process.name, "dies")
        await pause(self._clock, self._random.random() * 20)
        self._machines[at] = self._begin_process(f"w{at}")

    async def _restart(self) -> None:
        at = self._random.randrange(len(self._machines))
        worker = self._machines[at]
        if worker.runs:
            worker.ready = False
            self._trace.note(worker.process.name, "is closed")
            closing = asyncio.get_running_loop().create_task(worker.engine.close())
            await asyncio.wait([closing], timeout=_LONGEST_STOP)
            worker.process.die()
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
        fails = self._disturbances.step_failure if part == "do" else self._disturbances.undo_failure

        @functools.wraps(function)
        async def call(*args: Any, **arguments: Any) -> Any:
            await process.go_on()
            context = step_context()
            if part == "do":
                await self._observer.begins(process, store, context)
                if step.options.completes == "externally":
                    self._spawn(self._outside.complete(context.token, step.name))
            else:
                await self._observer.undoes(process, store, context, step, args[0])
            before = self._draw(fails / 2)
            after = not before and self._draw(fails / 2)
            await self._work(process)
            if before:
                raise InducedError("before it did anything")
            result = function(*args, **arguments)
            result = await result if inspect.isawaitable(result) else result
            await self._work(process)
            if after:
                raise InducedError("after it did its work")
            return result

        return call

    async def _work(self, process: Process) -> None:
        longest = _HANG if self._draw(self._disturbances.hang) else _USUAL_STEP
        await pause(process, self._random.random() ** 3 * longest)
        await process.go_on()

    def _draw(self, chance: float) -> bool:
        return not self._calm and self._random.random() < chance

    async def _deliver(self, process: Process, event: ReleasedEvent) -> None:
        await process.go_on()
        self._trace.note(process.name, f"delivers {event.name} of {event.execution_id}")
        self._delivered[event.execution_id].add(event.id)
        if self._draw(self._disturbances.delivery_failure):
            raise InducedError("after the delivery")

    async def _calm_down(self, executions: int) -> None:
        """Mend everything, tell executions what they wait for, and wait until they have ended."""
        self._calm = True
        self._trace.note("", "calm")
        for worker in self._machines:
            worker.store.calm = True
            worker.process.resume()
            worker.process.set_clock(0.0)
        for at, worker in enumerate(self._machines):
            if worker.process.life is Life.DEAD:
                self._machines[at] = self._begin_process(f"w{at}")
        until, tried = self._clock.monotonic() + _CALM, set[str]()
        while self._clock.monotonic() < until:
            await pause(self._clock, _LOOK_EVERY)
            journals = await self._journals()
            left = [each for each in journals if not each.row.status.ended]
            failed = [each.row.id for each in journals if each.row.status is Status.FAILED and not each.row.parent_id]
            again = [name for name in failed if name not in tried]
            if len(self._outside.started) == executions and not left and not again and not await self._store.released(1):
                return
            for journal in left:
                await self._outside.answer(journal)
            for name in again:
                tried.add(name)
                await self._outside.ask(f"retry {name}", lambda at, name=name: at.engine.retry(name))  # type: ignore[misc]
        self._trace.violated("not everything has ended")

    async def _journals(self) -> list[Journal]:
        rows = await self._store.list(ExecutionQuery(limit=100_000))
        found = [await self._store.load(row.id) for row in sorted(rows, key=lambda row: row.id)]
        return [journal for journal in found if journal is not None]

    async def _check(self) -> dict[str, Status]:
        journals = {journal.row.id: journal for journal in await self._journals()}
        for name, journal in journals.items():
            begun = sorted(self._observer.begun[name])
            for violation in journal_violations(journal, self._plans[journal.row.workflow], begun):
                self._trace.violated(f"{name}: {violation}")
        for violation in family_violations(journals):
            self._trace.violated(violation)
        for violation in event_violations(journals, self._delivered):
            self._trace.violated(violation)
        statuses = {name: journals[name].row.status for name in self._outside.started if name in journals}
        for name in self._outside.started:
            if name not in journals:
                self._trace.violated(f"{name} was started, and is not there")
        for name, told in self._outside.told:
            retried = told is Status.FAILED and statuses[name] is Status.REVERTED
            if told is not statuses[name] and not retried:
                self._trace.violated(f"somebody was told that {name} is {told}; it is {statuses[name]}")
        for name in self._outside.cancelled:
            if statuses[name] is Status.SUCCEEDED:
                self._trace.violated(f"somebody was told that {name} will be undone, and it has succeeded")
        for name, status in statuses.items():
            self._trace.note("", f"{name} is {status}")
        return statuses
