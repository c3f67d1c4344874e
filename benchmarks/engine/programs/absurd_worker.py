"""A worker of Absurd: a process, one task at a time, as its SDK does by default.

Usage: python -m engine.programs.absurd_worker URL
"""

import sys
from typing import Any

from absurd_sdk import Absurd, TaskContext

STEPS = 10
POLL_EVERY = 0.02


def ten_steps(params: Any, context: TaskContext) -> int:
    """Ten steps that do nothing, one after the other."""
    value: int = params["value"]
    for _ in range(STEPS):
        value = context.step("add-one", lambda known=value: known + 1)
    return value


def main(url: str) -> None:
    """Work until killed."""
    app = Absurd(url)
    app.register_task(name="ten-steps")(ten_steps)
    app.start_worker(poll_interval=POLL_EVERY)


if __name__ == "__main__":
    main(*sys.argv[1:])
