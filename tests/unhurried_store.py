"""A store in memory of which each write can be held up, as one that is on a disk or behind a network."""

from collections.abc import Sequence

from euryale.workflows.record.entry import Commit
from euryale.workflows.stores.memory import MemoryStore


class UnhurriedStore(MemoryStore):
    """It writes nothing at once: every commit comes through ``write``."""

    def write_at_once(self, commits: Sequence[Commit]) -> None:
        """Leave them to ``write``."""
