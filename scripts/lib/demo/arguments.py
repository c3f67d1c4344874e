"""What the demo is asked for."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.stories import STORIES


@dataclass(frozen=True, slots=True)
class Asked:
    """What the demo is asked for.

    Attributes:
        app: The example to deploy.
        ci: Whether everything is stopped at the end.
        compare: Whether the same work is done by hand, too.
        keep: Whether the platform's data and logs are kept when it is stopped.
        place: Where the demo keeps everything; None for its usual place.
    """

    app: str
    ci: bool
    compare: bool
    keep: bool
    place: Path | None


def read_arguments(words: Sequence[str]) -> Asked:
    """Return what the words ask for; ends the program if they are not understood."""
    parser = argparse.ArgumentParser(prog="scripts/demo", add_help=False)
    parser.add_argument("--app", choices=sorted(STORIES), default="medusa-shop")
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--dir", type=Path, dest="place")
    read = parser.parse_args(words)
    return Asked(read.app, read.ci, read.compare, read.keep, read.place)
