"""Which ticks of a schedule fire now, and which are missed. Pure."""

import hashlib
from dataclasses import dataclass
from typing import Final

from euryale.workflows.definition.cadence import Cadence
from euryale.workflows.definition.schedule import CatchUp

IN_TIME: Final = 60.0
"""Seconds within which a tick is no missed one: workers are exchanged, and loops are busy."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now.

    Attributes:
        fire: The tick that fires first, or None.
        missed: The last one before it that does not fire any more, or None.
    """

    fire: float | None
    missed: float | None


NOTHING: Final = Due(None, None)


def due(cadence: Cadence, after: float, now: float, catch_up: CatchUp, limit: int) -> Due:
    """Return what is to be done, when all ticks up to ``after`` are decided.

    A tick of the last minute always fires, unless another one came after it. Of those before it ``none`` fires none,
    ``latest`` the last one if nothing came after it, and ``all`` each of the last ``limit``.
    """
    wanted = limit if catch_up == "all" else 1
    late = cadence.latest(after, now, wanted + 1)
    firing = late[-wanted:]
    if catch_up == "none":
        firing = tuple(tick for tick in firing if tick > now - IN_TIME)
    missed = late[: len(late) - len(firing)]
    return Due(firing[0] if firing else None, missed[-1] if missed else None)


def delay(schedule: str, tick: float, jitter: float) -> float:
    """Return the seconds by which a tick's execution begins late: the same for all workers, spread evenly."""
    if not jitter:
        return 0.0
    drawn = hashlib.sha256(f"{schedule} {tick:.0f}".encode()).digest()[:8]
    return jitter * int.from_bytes(drawn, "big") / 2**64
