"""How a program is told what to do, line by line; the standard library only, so that it runs in any environment.

A line on standard input is ``{"do": NAME, ...}``; the line that answers it on standard output is what the action of
that name returns. Standard output is kept for that: what else is printed goes to standard error. When standard input
ends, so does the program.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

Answer = Mapping[str, Any]
Action = Callable[..., Awaitable[Answer]]


def keep_standard_output() -> int:
    """Return a descriptor for answers, and let everything else that is printed go to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return kept


async def be_told(**actions: Action) -> None:
    """Do what each line says, one after the other, until standard input ends."""
    answers = keep_standard_output()
    _say(answers, {"ready": os.getpid()})
    while line := await asyncio.to_thread(sys.stdin.readline):
        request = json.loads(line)
        _say(answers, await actions[request.pop("do")](**request))


def _say(descriptor: int, answer: Answer) -> None:
    os.write(descriptor, json.dumps(answer).encode() + b"\n")


class Stopwatch:
    """Measures a block.

    Example:
        >>> with Stopwatch() as watch:
        ...     work()
        >>> watch.seconds
    """

    seconds: float

    def __enter__(self) -> Self:
        self._begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begun
