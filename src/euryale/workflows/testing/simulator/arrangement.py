"""What a simulation arranges by chance: the queues that executions wait in, the schedules, and who starts what."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from euryale.workflows.definition.cadence import Cron
from euryale.workflows.definition.queue import Policy, Queue, Rate
from euryale.workflows.definition.schedule import CatchUp, Overlap, Schedule
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.errors import DefinitionError
from euryale.workflows.testing.simulator.course import Load
from euryale.workflows.testing.simulator.places import with_called

TICKING: Final = 85.0
"""Seconds after the beginning for which schedules have inputs for their ticks."""
_MINUTE: Final = 60
_KEYS: Final = ("a", "a", "b", None)


@dataclass(frozen=True, slots=True)
class Start:
    """What somebody outside starts.

    Attributes:
        name: Its id.
        load: Its workflow, and what is told to it.
        value: Its input.
        queue: The queue that it waits in; ``default``: its workflow's; None: in none.
        priority: Its priority.
        delay: Seconds before it may begin.
        deduplicate: Its dedup key, or an empty string.
    """

    name: str
    load: Load
    value: Any
    queue: Queue | None = None
    priority: int = 0
    delay: float = 0.0
    deduplicate: str = ""


@dataclass(frozen=True, slots=True)
class Timetable:
    """A schedule, as each worker makes it of its own workflows.

    Attributes:
        name: Its name.
        load: What is started.
        period: Seconds between two ticks, counted from the epoch.
        cadence: How that is said to the engine: ``every`` or ``cron``.
        overlap: What happens while the former execution has not ended.
        catch_up: Which ticks fire late.
        limit: How many of them.
        seed: What the inputs are drawn by.
        until: After this there are no inputs, in seconds since the epoch: ticks are skipped.
    """

    name: str
    load: Load
    period: int
    cadence: Mapping[str, Any]
    overlap: Overlap
    catch_up: CatchUp
    limit: int
    seed: int
    until: float

    def schedule(self, workflow: Workflow[Any, Any]) -> Schedule[Any]:
        """Return the schedule of a worker's workflow."""
        return Schedule(
            self.name,
            workflow,
            self.value,
            overlap=self.overlap,
            catch_up=self.catch_up,
            catch_up_limit=self.limit,
            **self.cadence,
        )

    def value(self, tick: datetime) -> Any:
        """Return the input of a tick.

        Raises:
            ValueError: If there is none any more.
        """
        at = tick.timestamp()
        if at > self.until:
            raise ValueError("there are no inputs any more")
        return self.load.value(Random(f"{self.seed} {self.name} {at:.0f}"))  # noqa: S311 -- a simulation

    def following(self, after: float) -> float:
        """Return the first tick after a moment."""
        return float((after // self.period + 1) * self.period)

    def between(self, after: float, until: float) -> int:
        """Return how many ticks there are after a moment and not after another."""
        return max(0, int(until // self.period) - int(after // self.period))


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What waits for whom, what the clock starts, and what somebody outside does.

    Attributes:
        queues: The queues, those of the workflows included.
        timetables: The schedules.
        starts: What is started.
    """

    queues: tuple[Queue, ...]
    timetables: tuple[Timetable, ...]
    starts: tuple[Start, ...]


def arrange(random: Random, loads: Sequence[Load], executions: int, now: datetime) -> Arrangement:
    """Draw all of that.

    Args:
        random: Chance.
        loads: The workflows.
        executions: How many are started.
        now: The time at which the simulation begins.
    """
    drawn = _draw_queues(random)
    timetables = _draw_timetables(random, loads, now)
    workflows = with_called(load.workflow for load in loads)
    own = {each.queue.name: each.queue for each in workflows if each.queue is not None}
    return Arrangement((*own.values(), *drawn), timetables, _draw_starts(random, loads, drawn, executions))


def key_of(value: Any) -> str | None:
    """Return the key of an input: one of two, or none."""
    return _KEYS[zlib.crc32(repr(value).encode()) % len(_KEYS)]


def _draw_queues(random: Random) -> tuple[Queue, ...]:
    """Return the queues of a simulation."""
    return tuple(_queue(random, f"simulated-{at}") for at in range(random.choice((0, 0, 1, 2))))


def _queue(random: Random, name: str) -> Queue:
    policy: Policy = random.choice(("queue", "queue", "replace", "replace", "cancel", "reject"))
    keyed = policy != "queue" or random.choice((True, False))
    return Queue(
        name,
        concurrency=random.choice((None, 1, 2)),
        worker_concurrency=random.choice((None, None, 1)),
        key=key_of if keyed else None,
        key_concurrency=random.choice((1, 1, 2)) if keyed and policy != "cancel" else 1,
        policy=policy,
        rate=random.choice((None, None, Rate(1, per=4), Rate(2, per=15))),
    )


def _draw_starts(random: Random, loads: Sequence[Load], queues: Sequence[Queue], executions: int) -> tuple[Start, ...]:
    """Return what is started; some of it is meant to be the same."""
    starts: list[Start] = []
    for number in range(executions):
        load = random.choice(loads)
        starts.append(_start(random, f"e{number}", load, queues, starts))
    return tuple(starts)


def _start(random: Random, name: str, load: Load, queues: Sequence[Queue], others: Sequence[Start]) -> Start:
    if load.workflow.queue is None and (not queues or random.random() < 0.3):  # noqa: PLR2004 -- some are in none
        return Start(name, load, load.value(random), delay=random.choice((0.0,) * 9 + (random.random() * 20,)))
    twins = [each for each in others if each.deduplicate]
    if twins and random.random() < 0.5:  # noqa: PLR2004 -- half of the rest
        twin = random.choice(twins)
        return Start(name, twin.load, twin.value, twin.queue, random.choice((0, 1)), 0.0, twin.deduplicate)
    return Start(
        name,
        load,
        load.value(random),
        load.workflow.queue or random.choice(queues),
        priority=random.choice((0, 0, 0, 1, 2)),
        delay=random.choice((0.0, 0.0, 0.0, random.random() * 20)),
        deduplicate=random.choice(("", "", f"once-{name}")),
    )


def _draw_timetables(random: Random, loads: Sequence[Load], now: datetime) -> tuple[Timetable, ...]:
    """Return the schedules of a simulation."""
    until = now.timestamp() + TICKING
    seed = random.getrandbits(32)
    return tuple(
        _timetable(random, f"simulated-{at}", loads, seed, until) for at in range(random.choice((0, 0, 0, 1, 2)))
    )


def _timetable(random: Random, name: str, loads: Sequence[Load], seed: int, until: float) -> Timetable:
    period = random.choice((20, 30, _MINUTE, 2 * _MINUTE))
    overlap: Overlap = random.choice(("allow", "forbid", "cancel"))
    catch_up: CatchUp = random.choice(("none", "latest", "all"))
    return Timetable(
        name,
        random.choice(loads),
        period,
        {"cron": "* * * * *"} if period == _MINUTE and _knows_cron() else {"every": period},
        overlap,
        catch_up,
        random.choice((1, 3)) if catch_up == "all" else 1,
        seed,
        until,
    )


def _knows_cron() -> bool:
    try:
        Cron("* * * * *", "UTC")
    except DefinitionError:  # it is an extra
        return False
    return True


def moment(seconds: float) -> str:
    """Return seconds since the epoch as a time of day, for the trace."""
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"
