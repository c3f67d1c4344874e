"""Where an execution comes from that does a former one again: the first entry of its journal says so."""

from collections.abc import Sequence
from typing import Final

import msgspec

from euryale.workflows.record.entry import Entry
from euryale.workflows.record.states import EntryKind

_KINDS: Final = frozenset({EntryKind.FORKED, EntryKind.RERUN})


class Origin(msgspec.Struct, frozen=True):
    """The execution that another one does again.

    Attributes:
        execution: The former execution's id; it may have been deleted since.
        step: The first step that is done again; empty: the whole is.
    """

    execution: str
    step: str = ""

    @property
    def words(self) -> str:
        """What a person reads."""
        return f"forked from {self.execution} at {self.step}" if self.step else f"re-run of {self.execution}"


def origin_entry(origin: Origin, at: float) -> Entry:
    """Return the entry that a journal begins with.

    Args:
        origin: What is done again.
        at: When, in seconds since the epoch.
    """
    kind = EntryKind.FORKED if origin.step else EntryKind.RERUN
    return Entry(1, kind, at, payload=msgspec.json.encode(origin))


def origin_of(entries: Sequence[Entry]) -> Origin | None:
    """Return what an execution does again, from its whole journal; None if it does nothing again."""
    if not entries or entries[0].kind not in _KINDS or entries[0].payload is None:
        return None
    return msgspec.json.decode(entries[0].payload, type=Origin)
