"""Replays simulations by number and prints what happened.

Usage: simulate.py [--quiet] SEED|FIRST-LAST...
"""

import sys
from collections.abc import Iterator

from euryale.workflows.testing import ViolationError, simulate
from simulated_workflows import LOADS


def numbers(arguments: list[str]) -> Iterator[int]:
    for argument in arguments:
        first, _, last = argument.partition("-")
        yield from range(int(first), int(last or first) + 1)


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(arguments: list[str]) -> int:
    quiet = "--quiet" in arguments
    failed = []
    for seed in numbers([each for each in arguments if each != "--quiet"]):
        try:
            done = simulate(seed, LOADS)
        except ViolationError as error:
            failed.append(seed)
            text = str(error)
            tell(text.partition("\n\n")[0] if quiet else text)
        else:
            if not quiet:
                tell("\n".join(done.trace))
    tell(f"{len(failed)} seeds show a violation: {failed}" if failed else "No violation.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
