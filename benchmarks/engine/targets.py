"""What is measured, and what it has to be."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its bound.

    Attributes:
        key: Its name.
        what: What it tells.
        sense: Whether it has to be at least or at most its bound.
        bound: The bound.
        unit: Of the figure and its bound; empty: a ratio.
    """

    key: str
    what: str
    sense: Literal["at least", "at most"]
    bound: float
    unit: str = ""

    def is_met(self, value: float) -> bool:
        """Return whether a figure is within its bound."""
        return value >= self.bound if self.sense == "at least" else value <= self.bound


TARGETS = (
    Target("sqlite_alone_vs_dbos", "ten steps, nothing else running, SQLite: steps/s, ours / DBOS", "at least", 8),
    Target("postgres_alone_vs_dbos", "the same on PostgreSQL", "at least", 5),
    Target("sqlite_alone_vs_commit", "the same on SQLite: steps/s, ours / bare commits/s", "at least", 0.6),
    Target("postgres_alone_vs_commit", "the same on PostgreSQL", "at least", 0.6),
    Target("sqlite_many_vs_dbos", "200 of them at once, SQLite: steps/s, ours / DBOS", "at least", 60),
    Target("postgres_many_vs_dbos", "the same on PostgreSQL", "at least", 40),
    Target("postgres_many_vs_absurd", "the same, ours / Absurd", "at least", 5),
    Target("many_vs_temporal", "the same, ours / Temporal's development server", "at least", 50),
    Target("memory_vs_medusa", "200 at once in memory: steps/s, ours / Medusa's in Node", "at least", 1.5),
    Target("handoff_p50_vs_commit", "started here, run by a worker, result here: p50 / p50 of a commit", "at most", 15),
    Target("cost_growth", "seconds of steps 901 to 1000 / of steps 1 to 100, SQLite", "at most", 1.2),
    Target("recover_10k_seconds", "10,000 interrupted executions finished after kill -9, SQLite", "at most", 20, "s"),
    Target("waiting_bytes", "resident memory for each of 50,000 waiting executions, SQLite", "at most", 1024, "B"),
)
KEYS = tuple(target.key for target in TARGETS)
