"""A simulation: many executions, several workers on one store, and everything that may go wrong, out of one number."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from euryale.kit.clock import ManualClock
from euryale.kit.ids import ids_from
from euryale.workflows.codec import JsonCodec
from euryale.workflows.ports import Codec
from euryale.workflows.record.entry import Journal
from euryale.workflows.record.states import Status
from euryale.workflows.testing.simulator.course import Disturbances, Load, Trace, ViolationError
from euryale.workflows.testing.simulator.invariants import event_violations, family_violations, journal_violations
from euryale.workflows.testing.simulator.outside import Outside
from euryale.workflows.testing.simulator.storm import Setting, Storm
from euryale.workflows.testing.virtual_time import run_in_virtual_time

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


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


def simulate(
    seed: int,
    loads: Sequence[Load],
    *,
    executions: int = 6,
    workers: int = 3,
    disturbances: Disturbances | None = None,
    services: Mapping[Any, Any] | None = None,
    codec: Callable[[], Codec] = JsonCodec,
) -> Simulation:
    """Run workflows in a storm of fifty seconds, in which everything goes wrong, then until all of them have ended.

    Time is virtual: nothing real is waited for. All chance comes from the seed. What is checked is written down in
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
        >>> simulate(7, [Load(place_order, lambda random: random.randint(1, 9))]).statuses["e0"]
        <Status.SUCCEEDED: 'succeeded'>
    """
    random = Random(seed)  # noqa: S311 -- a simulation, not cryptography
    clock = ManualClock(_START + timedelta(seconds=random.randrange(60)))
    trace = Trace(clock)
    chosen = disturbances or Disturbances().varied(random)
    with ids_from(clock, random.randbytes), _LogWatch(trace):
        setting = Setting(loads, executions, workers, chosen, services or {}, codec)
        statuses = run_in_virtual_time(_play(Storm(setting, random, clock, trace), trace), clock)
    if trace.violations:
        told = "\n".join(trace.violations)
        raise ViolationError(f"seed {seed}: {told}\n\n{chosen}\n" + "\n".join(trace.lines) + f"\n\nseed {seed}: {told}")
    return Simulation(seed, trace.digest, tuple(trace.lines), statuses)


async def _play(storm: Storm, trace: Trace) -> dict[str, Status]:
    """Let it storm, and look at what is left."""
    await storm.blow()
    journals = await storm.journals()
    for violation in _violations(storm, journals):
        trace.violated(violation)
    statuses = {name: journals[name].row.status for name in storm.outside.started if name in journals}
    for name, status in statuses.items():
        trace.note("", f"{name} is {status}")
    return statuses


def _violations(storm: Storm, journals: Mapping[str, Journal]) -> Iterator[str]:
    for name, journal in journals.items():
        begun = sorted(storm.observer.begun[name])
        for violation in journal_violations(journal, storm.plans[journal.row.workflow], begun):
            yield f"{name}: {violation}"
    yield from family_violations(journals)
    yield from event_violations(journals, storm.delivered)
    yield from storm.observer.ticks.violations()
    yield from storm.observer.marks.violations(journals)
    yield from _broken_words(storm.outside, journals)


def _broken_words(outside: Outside, journals: Mapping[str, Journal]) -> Iterator[str]:
    """Yield what somebody outside was told and is not so."""
    yield from (f"{name} was started, and is not there" for name in outside.started if name not in journals)
    for name, told in outside.told:
        status = journals[name].row.status
        retried = told is Status.FAILED and status is Status.REVERTED
        if told is not status and not retried:
            yield f"somebody was told that {name} is {told}; it is {status}"
    for name in outside.cancelled:
        if journals[name].row.status is Status.SUCCEEDED:
            yield f"somebody was told that {name} will be undone, and it has succeeded"


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
