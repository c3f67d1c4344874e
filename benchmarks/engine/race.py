"""A race: several sides do the same in turns, round after round, so that what disturbs the machine disturbs all."""

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.bench import Bench
from engine.progress import progress
from engine.side import Program, Side, SideError

Answer = Mapping[str, Any]
FAILURES = (SideError, OSError, subprocess.SubprocessError)


@dataclass(frozen=True, slots=True)
class Entrant:
    """A side of a race.

    Attributes:
        name: What it is called.
        program: Gives how it is started; may install it, or make its database.
        action: What it is told to do in each round.
        values: With what.
        warm_up: With what it is told to do it once before.
        restless: Whether it is busy even between its turns, so that it is stopped meanwhile.
    """

    name: str
    program: Callable[[], Program]
    action: str
    values: Mapping[str, int]
    warm_up: Mapping[str, int]
    restless: bool = False


@dataclass(slots=True)
class Course:
    """How a race went.

    Attributes:
        answers: What each side that came through answered, round by round.
        failures: Why the others did not.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def run_race(bench: Bench, title: str, entrants: Sequence[Entrant]) -> Course:
    """Let all of them do their rounds in turns; each one's failure is its own."""
    course = Course()
    with ExitStack() as stack:
        running = {}
        for entrant in entrants:
            try:
                progress(f"{title}: {entrant.name} starts")
                side = stack.enter_context(Side(entrant.program(), bench.folder))
                with _turn(entrant, side):
                    side.tell(entrant.action, **entrant.warm_up)
                running[entrant.name] = (entrant, side)
                course.answers[entrant.name] = []
            except FAILURES as error:
                course.failures[entrant.name] = text(error)
        for number in range(bench.rounds):
            progress(f"{title}: round {number + 1} of {bench.rounds}")
            for name in tuple(running)[:: -1 if number % 2 else 1]:
                entrant, side = running[name]
                try:
                    with _turn(entrant, side):
                        course.answers[name].append(side.tell(entrant.action, **entrant.values))
                except FAILURES as error:
                    course.failures[name] = text(error)
                    del running[name], course.answers[name]
    return course


@contextmanager
def _turn(entrant: Entrant, side: Side) -> Iterator[None]:
    side.go_on()
    yield
    if entrant.restless:
        side.stop()


def text(error: Exception) -> str:
    """Return what an error says, and what the program said that failed."""
    if isinstance(error, subprocess.CalledProcessError):
        name = Path(error.cmd[0]).name
        return f"{name} {' '.join(map(str, error.cmd[1:3]))} failed: {error.stderr or error.stdout or error.returncode}"
    return str(error)
