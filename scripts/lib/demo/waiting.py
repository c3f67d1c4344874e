"""Waiting for what can be observed, with live progress and an end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from demo.failures import DemoError
from demo.terminal import Progress

T = TypeVar("T")

_EVERY: Final = 0.1


@dataclass(frozen=True, slots=True)
class NotYet:
    """What is waited for is not there.

    Attributes:
        state: How it stands meanwhile, in a few words.
    """

    state: str = ""


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What is waited for is there.

    Attributes:
        value: What was seen.
    """

    value: T


def wait_for(
    what: str,
    probe: Callable[[], Seen[T] | NotYet],
    *,
    within: float,
    log: Path | None = None,
    every: float = _EVERY,
) -> T:
    """Return what ``probe`` sees, as soon as it does.

    Args:
        what: What is waited for, for the progress and the error.
        probe: Looks.
        within: Seconds after which it is given up.
        log: The log that tells more when it is given up.
        every: Seconds between two looks.

    Raises:
        DemoError: If it is not seen in time.
    """
    pause = threading.Event()
    progress = Progress(what)
    state = ""
    try:
        while progress.elapsed < within:
            found = probe()
            if isinstance(found, Seen):
                return found.value
            state = found.state
            progress.show(state)
            pause.wait(every)
    finally:
        progress.clear()
    raise DemoError(
        f"{what}: not within {within:.0f} s" + (f"; the last look showed: {state}" if state else ""), log=log
    )
