"""What a run of the benchmark has at hand, and what it has found."""

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from engine.database import Postgres
from engine.peers import Peers
from engine.progress import progress


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done in a round.

    Attributes:
        alone: Executions of ten steps, one after the other.
        commits: Bare commits.
        many: Executions of ten steps at once.
        repeats: How often what is quick is repeated in a round.
        hand_offs: Executions handed to a worker.
        interrupted: Executions that are interrupted by a kill.
        waiting: Executions that wait.
    """

    alone: int
    commits: int
    many: int
    repeats: int
    hand_offs: int
    interrupted: int
    waiting: int


FULL = Sizes(alone=30, commits=3000, many=200, repeats=10, hand_offs=200, interrupted=10_000, waiting=50_000)
SMALL = Sizes(alone=2, commits=20, many=5, repeats=1, hand_offs=5, interrupted=40, waiting=200)


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure, and what it was made from.

    Attributes:
        key: Its name.
        value: The median of the rounds.
        rounds: What it was in each.
        figures: What was measured absolutely, with units in its names.
    """

    key: str
    value: float
    rounds: tuple[float, ...]
    figures: Mapping[str, float]


@dataclass(slots=True)
class Findings:
    """What was found, and what could not be measured and why."""

    found: dict[str, Finding] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, rounds: Iterable[float], **figures: Sequence[float]) -> None:
        """Keep a figure: the median of its rounds; of ``figures``, too."""
        values = tuple(rounds)
        medians = {name: statistics.median(each) for name, each in figures.items()}
        self.found[key] = Finding(key, statistics.median(values), values, medians)

    def fail(self, keys: Iterable[str], why: str) -> None:
        """Note that figures could not be measured."""
        for key in keys:
            self.failed[key] = why
            progress(f"{key} could not be measured: {why}")


class Bench:
    """What a run has at hand.

    Args:
        folder: Where everything is written, on the file system that is measured.
        peers: Where peers are installed.
        keys: The figures that are wanted.
        rounds: How many rounds each comparison has.
        sizes: How much is done in a round.
    """

    def __init__(self, folder: Path, peers: Peers, keys: Collection[str], rounds: int, sizes: Sizes) -> None:
        self.folder = folder
        self.peers = peers
        self.keys = frozenset(keys)
        self.rounds = rounds
        self.sizes = sizes
        self.findings = Findings()
        self._open = ExitStack()
        self._files = 0

    def wants(self, *keys: str) -> bool:
        """Return whether one of these figures is wanted."""
        return not self.keys.isdisjoint(keys)

    @cached_property
    def postgres(self) -> Postgres:
        """A PostgreSQL, started when it is needed first."""
        server = Postgres(self.folder)
        self._open.callback(server.stop)
        server.start()
        return server

    @property
    def server_version(self) -> str:
        """The version of PostgreSQL, or an empty string if none was needed."""
        return self.postgres.version if "postgres" in vars(self) else ""

    def new_file(self) -> str:
        """Return the name of a file that is not there."""
        self._files += 1
        return str(self.folder / f"bench-{self._files}.db")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
