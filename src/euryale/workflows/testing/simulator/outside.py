"""The world outside of a simulation: it starts executions, cancels them, answers them, more than once and too early."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, TypeVar

from euryale.kit.clock import ManualClock, pause
from euryale.workflows.definition.nodes import Signal, SignalNode, StepNode
from euryale.workflows.definition.parts import node_of
from euryale.workflows.definition.plan import Plan
from euryale.workflows.errors import (
    EngineClosedError,
    QueueRejectedError,
    StoreError,
    UnknownExecutionError,
    WorkflowError,
)
from euryale.workflows.record.entry import Journal
from euryale.workflows.record.execution import ExecutionRecord
from euryale.workflows.record.states import Status, StepState
from euryale.workflows.requests import ExecutionQuery
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.simulator.arrangement import Start
from euryale.workflows.testing.simulator.course import Disturbances, Load, Trace
from euryale.workflows.testing.simulator.observer import Observer
from euryale.workflows.testing.simulator.worker import SimulatedWorker
from euryale.workflows.testing.substitution import Part

T = TypeVar("T")

_PATIENCE = 20.0


class Outside:
    """Talks to any worker that runs; one that does not answer is given up, and another is asked.

    Args:
        store: The store itself, to look at.
        random: Chance.
        clock: The time.
        trace: What happened.
        disturbances: How often executions are cancelled, and messages are sent again.
        observer: Is told what is meant, and what was heard.

    Attributes:
        answered: How many starts have their answer.
        workers: Those that can be asked.
        told: How executions ended, as somebody was told.
        started: The executions whose start was confirmed.
        cancelled: Those of which somebody was told by the worker that drives them that they will be undone.
    """

    def __init__(
        self,
        store: MemoryStore,
        random: Random,
        clock: ManualClock,
        trace: Trace,
        disturbances: Disturbances,
        observer: Observer,
    ) -> None:
        self._store = store
        self._random = random
        self._clock = clock
        self._trace = trace
        self._disturbances = disturbances
        self._queues = observer.queues
        self._marks = observer.marks
        self._plans: dict[str, Plan] = {}
        self._answers: dict[str, Callable[[Random], Any]] = {}
        self.workers: list[SimulatedWorker] = []
        self.told: list[tuple[str, Status]] = []
        self.answered = 0
        self.started: list[str] = []
        self.cancelled: list[str] = []

    def know(self, loads: Sequence[Load], plans: Mapping[str, Plan]) -> None:
        """Learn what comes from outside."""
        self._plans.update(plans)
        for load in loads:
            self._answers.update(load.answers)

    async def ask(self, what: str, question: Callable[[SimulatedWorker], Awaitable[T]], *, owner: str = "") -> T | None:
        """Ask a worker, the owner of something if it is given and runs; None if it does not answer."""
        running = [worker for worker in self.workers if worker.runs]
        if not running:
            return None
        worker = self._random.choice([each for each in running if owner in each.store.owners] or running)
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await question(worker)
        except (TimeoutError, EngineClosedError, StoreError, UnknownExecutionError) as error:
            self._trace.note("out", f"{what}: no answer ({type(error).__name__})")
            return None
        self._trace.note("out", f"{what}: {answer if isinstance(answer, (bool, Status)) else 'done'}")
        return answer

    async def live(self, start: Start) -> None:
        """Start an execution, and do what is done to it, or to the one that it joined."""
        await pause(self._clock, self._random.random() * 30)
        self._queues.asked[start.name] = start
        while (name := await self.ask(f"start {start.name}", partial(self._start, start))) is None:
            await pause(self._clock, 1.0)
        self.answered += 1
        if not name:
            return
        if name != start.name:
            self._trace.note("out", f"{start.name} has joined {name}")
        self.started.append(name)
        await asyncio.gather(
            self._cancel(name), self._signal(name, start.load.workflow.plan), self._watch(name), self._mark(name)
        )

    async def _start(self, start: Start, worker: SimulatedWorker) -> str:
        """Start an execution; return its id, or nothing if it is rejected."""
        try:
            handle = await worker.engine.start(
                worker.workflows[start.load.workflow.name],
                start.value,
                id=start.name,
                delay=start.delay,
                priority=start.priority,
                queue=start.queue,
                deduplicate=start.deduplicate,
            )
        except QueueRejectedError:
            self._trace.note("out", f"{start.name} is rejected")
            return ""
        return handle.id

    async def trigger(self, schedule: str) -> None:
        """Fire a schedule out of turn."""
        await pause(self._clock, self._random.random() * 100)
        await self.ask(f"trigger {schedule}", lambda at: self._unless_refused(at.engine.trigger(schedule)))

    async def _unless_refused(self, question: Awaitable[Any]) -> bool:
        """Return what was answered; False if it makes no sense any more."""
        try:
            return bool(await question)
        except (EngineClosedError, StoreError, UnknownExecutionError):
            raise
        except (WorkflowError, ValueError):
            return False

    async def _mark(self, name: str) -> None:
        """Give steps their outcomes by hand: before they are reached, while they are done, and too late."""
        while self._random.random() < self._disturbances.marks:
            await pause(self._clock, self._random.random() * 40)
            rows = await self._store.list(ExecutionQuery(prefix=name, limit=1000))
            family = [row.id for row in rows if row.root_id == name and row.status is not Status.SUCCEEDED]
            if not family:
                return
            journal = await self._store.load(self._random.choice(family))
            if journal is not None:
                await self._mark_one(journal)

    async def _mark_one(self, journal: Journal) -> None:
        row, record = journal.row, ExecutionRecord(journal.entries)
        plan = self._plans[row.workflow]
        known = dict.fromkeys([*plan.nodes, *record.steps])
        steps = {node: found for node in known if isinstance(found := node_of(plan, node), StepNode)}
        if not steps:
            return
        node = self._random.choice(list(steps))
        owner = self._random.choice((row.owner, ""))
        for _ in range(self._times()):
            await self.ask(
                f"mark {row.id}/{node}",
                lambda at: self._unless_refused(self._mark_at(at, journal, node, steps[node])),
                owner=owner,
            )

    async def _mark_at(self, worker: SimulatedWorker, journal: Journal, node: str, known: StepNode) -> bool:
        """Give one step an outcome; take note of it if whoever drives the execution has heard of it."""
        name = journal.row.id
        before = await self._store.load(name)
        part: Part = "do"
        if not journal.row.status.going_forward:
            part, kept = "undo", await worker.engine.mark_undone(name, node)
        elif known.step.name in self._answers and self._random.random() < 0.7:  # noqa: PLR2004 -- most of them
            kept = await worker.engine.mark_succeeded(name, node, self._draw(known.step.name))
        else:
            kept = await worker.engine.mark_failed(name, node, "somebody says so")
        after = await self._store.load(name)
        drives = before is not None and before.row.owner in worker.store.owners
        if kept and drives and before is not None and after is not None and before.row.epoch == after.row.epoch:
            self._marks.heard(name, node, part)
        return kept

    async def _cancel(self, name: str) -> None:
        if self._random.random() < self._disturbances.cancellations:
            await pause(self._clock, self._random.random() * 40)
            for _ in range(self._times()):
                await self.ask(f"cancel {name}", lambda at: self._cancel_at(at, name))

    async def _cancel_at(self, worker: SimulatedWorker, name: str) -> bool:
        before = await self._store.load(name)
        will_be_undone = await worker.engine.cancel(name)
        if will_be_undone and before is not None and before.row.owner in worker.store.owners:
            self.cancelled.append(name)
        return will_be_undone

    async def _signal(self, name: str, plan: Plan) -> None:
        """Send signals too early, too late, and twice."""
        for node in plan.nodes.values():
            if isinstance(node, SignalNode) and self._random.random() < 0.5:  # noqa: PLR2004 -- half of them early
                await pause(self._clock, self._random.random() * 10)
                await self._send(name, node.signal, self._random.choice(("", "again")))

    async def _send(self, name: str, signal: Signal[Any], key: str) -> None:
        value = self._draw(signal.name)
        for _ in range(self._times()):
            await self.ask(f"signal {name} {signal.name}", lambda at: at.engine.signal(name, signal, value, key=key))

    async def _watch(self, name: str) -> None:
        if self._random.random() < 0.5:  # noqa: PLR2004 -- half of them are waited for
            status = await self.ask(f"wait for {name}", lambda at: at.engine.wait(name))
            if status is not None:
                self.told.append((name, status))

    async def complete(self, token: str, step: str) -> None:
        """Complete a step that has begun, some time later, perhaps more than once with different outputs."""
        await pause(self._clock, self._random.random() ** 3 * 60)
        for _ in range(self._times()):
            output = self._draw(step)
            await self.ask(f"complete {token}", lambda at, output=output: at.engine.complete(token, output))  # type: ignore[misc]

    def _draw(self, name: str) -> Any:
        draw = self._answers.get(name)
        return None if draw is None else draw(self._random)

    def _times(self) -> int:
        return 1 + (self._random.random() < self._disturbances.duplicates)

    async def retry(self, name: str) -> None:
        """Have what gave up tried again."""
        await self.ask(f"retry {name}", lambda at: self._unless_refused(at.engine.retry(name)))

    async def answer(self, journal: Journal) -> None:
        """Tell an execution all that it waits for."""
        row, record = journal.row, ExecutionRecord(journal.entries)
        for node in self._plans[row.workflow].nodes.values():
            if record.step(node.id).forward is not StepState.WAITING:
                continue
            if isinstance(node, SignalNode):
                await self._send(row.id, node.signal, "")
            elif isinstance(node, StepNode):
                await self.complete(f"{row.id}/{node.id}", node.step.name)
