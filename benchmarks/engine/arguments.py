"""What was asked for."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.targets import KEYS, TARGETS

_ROUNDS = 5
_PEERS = Path(__file__).parents[2] / ".bench"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for.

    Attributes:
        keys: Which figures.
        rounds: How many rounds each has.
        json: Whether one object is printed instead of a table.
        small: Whether little is done in each round: to see that it runs, not to measure.
        peers: Where peers are installed.
    """

    keys: tuple[str, ...]
    rounds: int
    json: bool
    small: bool
    peers: Path


def read_arguments(arguments: Sequence[str]) -> Asked:
    """Read the command line; exit with a message if it cannot be read."""
    figures = "\n".join(f"  {target.key:26}{target.what}; {target.sense} {target.bound:g}" for target in TARGETS)
    parser = argparse.ArgumentParser(
        prog="scripts/bench engine",
        description="The workflow engine, beside its peers and beside the bare database, at equal durability.",
        epilog=f"figures:\n{figures}\n\nThe exit code is 0 if all of them could be measured, 1 if not.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--rounds", type=_positive, default=_ROUNDS, metavar="N", help=f"default: {_ROUNDS}")
    parser.add_argument("--only", action="append", choices=KEYS, metavar="KEY", help="this figure; may be repeated")
    parser.add_argument("--small", action="store_true", help="do little: shows that it runs, measures nothing")
    parser.add_argument(
        "--peers", type=Path, default=_PEERS, metavar="DIR", help="where they are installed; default: .bench"
    )
    given = parser.parse_args(arguments)
    wanted = tuple(key for key in KEYS if not given.only or key in given.only)
    return Asked(wanted, given.rounds, given.json, given.small, given.peers.resolve())


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
