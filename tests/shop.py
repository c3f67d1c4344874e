"""The shop whose orders worker processes carry out, in tests that kill them, cut them off, or tell them to end."""

import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from euryale.workflows import Retry, Step, StepResponse, Workflow, parallelize, step, step_context, workflow

STEPS = frozenset({"reserve-box", "reserve", "pay", "wrap", "label", "thank", "ship"})
BEFORE = (
    ("reserve-box", "wrap"),
    ("wrap", "label"),
    ("pay", "reserve"),
    ("label", "reserve"),
    ("reserve", "thank"),
    ("thank", "ship"),
)
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH")))),
}
"""That of a process that imports this."""
_RETRY = Retry(max_attempts=3, initial=0.001)

Note = Callable[[str, str], None]
"""Takes ``do`` or ``undo``, and the step."""


def shop_of(made: Callable[[str], Step], ship: Step) -> Workflow[int, int]:
    """Return the workflow, with one child, of steps that are made by name."""
    reserve, pay, wrap, label, thank = map(made, ("reserve", "pay", "wrap", "label", "thank"))

    @workflow("pack")
    def pack(order: int) -> int:
        return label(wrap(reserve.named("reserve-box")(order)))

    @workflow("shop")
    def shop(order: int) -> int:
        paid, _ = parallelize(pay(order), pack(order))
        return ship(thank(reserve(paid)))

    return shop


def undoable_shop(note: Note) -> Workflow[int, int]:
    """Return the workflow, with steps that note what they do: every third order is undone, every fourth paid late."""

    def made(name: str) -> Step:
        async def work(order: int) -> StepResponse[int, str]:
            if name == "pay" and step_context().attempt == 1 and order % 4 == 0:
                raise RuntimeError("the bank is busy")
            note("do", step_context().step)
            return StepResponse(order, undo=name)

        step_made = step(name=name, retry=_RETRY)(work)

        @step_made.compensate(retry=_RETRY)
        async def _(undo: str | None) -> None:
            note("undo", step_context().step)

        return step_made

    @step
    async def ship(order: int) -> int:
        if order % 3 == 0:
            raise RuntimeError("no ship leaves")
        note("do", "ship")
        return order

    return shop_of(made, ship)


def status_of(order: int) -> str:
    """Say how an order of an undoable shop ends."""
    return "reverted" if order % 3 == 0 else "succeeded"


class Effects:
    """A file to which processes append a line for each thing that they do."""

    def __init__(self, path: Path | str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def line(self, *words: str) -> None:
        os.write(self._file, f"{os.getpid()} {' '.join(words)}\n".encode())

    def note(self, kind: str, name: str) -> None:
        """See ``Note``."""
        self.line(step_context().root, kind, name)


def read_effects(path: Path) -> list[list[str]]:
    """Return the words of each line, the process's id first."""
    return [line.split() for line in path.read_text().splitlines()]


def read_stories(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Return what was noted of each outermost execution, in order."""
    stories = defaultdict(list)
    for _, execution, kind, name in read_effects(path):
        stories[execution].append((kind, name))
    return stories
