"""What a batch of commits amounts to, as the lists that the function ``write`` takes. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import astuple

from euryale.workflows.record.entry import Commit, Release, StatusChange

_NO_CHANGE = (None,) * len(StatusChange.__struct_fields__)
_NO_RELEASE = (None,) * len(Release.__struct_fields__)

_NOTHING_ELSE = (None,) * 5

_Values = tuple[Any, ...]
Values = tuple[list[_Values] | None, ...]
"""What ``write`` takes: the attributes of a :class:`Batch` in their order."""


@dataclass(slots=True)
class Batch:
    """Commits of which none depends on another, so that all of them can be written at once.

    The attributes are what ``write`` takes, each value led by the position of its commit.
    """

    fences: list[_Values] = field(default_factory=list)
    entries: list[_Values] = field(default_factory=list)
    executions: list[_Values] = field(default_factory=list)
    touches: list[_Values] = field(default_factory=list)
    events: list[_Values] = field(default_factory=list)
    fates: list[_Values] = field(default_factory=list)
    wakes: list[_Values] = field(default_factory=list)

    def add(self, at: int, commit: Commit) -> None:
        """Take a commit in."""
        execution_id = commit.execution_id
        if all(row.id != execution_id for row in commit.create):
            self.fences.append((at, execution_id, commit.epoch))
        for row in commit.create:
            self.executions.append((at, *astuple(row)))
        for entry in commit.entries:
            self.entries.append((at, execution_id, *astuple(entry)))
        if commit.change is not None or commit.release is not None:
            self.touches.append((at, execution_id, commit.epoch, *_touched(commit)))
        for event in commit.stage:
            self.events.append((at, *astuple(event)))
        if commit.events != "keep":
            self.fates.append((at, execution_id, commit.events))
        if commit.wake:
            self.wakes.append((at, commit.wake))

    def values(self) -> Values:
        """Return all lists, in the order in which ``write`` takes them; None for those after the first two if empty."""
        others = (self.executions, self.touches, self.events, self.fates, self.wakes)
        return (self.fences, self.entries, *(others if any(others) else _NOTHING_ELSE))


def _touched(commit: Commit) -> _Values:
    change, release = commit.change, commit.release
    changed = _NO_CHANGE if change is None else astuple(change)
    released = _NO_RELEASE if release is None else astuple(release)
    return (change is not None, *changed, release is not None, *released, commit.heard)


def split(commits: Sequence[Commit]) -> Iterable[Batch]:
    """Yield the commits in as few batches as possible, in order.

    A batch ends before a commit that depends on one in it: of an execution that is created in it, or that changes an
    execution that is changed in it. That is rare: an executor waits for what its next commit depends on.
    """
    batch, created, changed = Batch(), set[str](), set[str]()
    for at, commit in enumerate(commits):
        execution_id = commit.execution_id
        changes = commit.change is not None or commit.release is not None or commit.events != "keep"
        if (
            execution_id in created
            or (changes and execution_id in changed)
            or any(row.id in created for row in commit.create)
        ):
            yield batch
            batch, created, changed = Batch(), set(), set()
        batch.add(at, commit)
        if changes:
            changed.add(execution_id)
        for row in commit.create:
            created.add(row.id)
    yield batch
