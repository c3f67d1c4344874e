"""What a lone execution writes, mostly, as statements of plain values: a fraction of what ``write`` takes. Pure."""

from typing import Any

from msgspec.structs import astuple, replace

from euryale.workflows.record.entry import Commit
from euryale.workflows.stores.postgres.statements import SQL

Statement = tuple[Any, ...]
"""SQL and its values. It gives a row if it wrote the whole commit, and none if it wrote nothing of it."""


def lone(commit: Commit) -> Statement | None:
    """Return the statement that writes a commit, or None if only ``write`` can.

    What it does not write is to be refused, or was written before: let ``write`` decide.
    """
    return _append(commit) or _create(commit) or _end(commit)


def _append(commit: Commit) -> Statement | None:
    if len(commit.entries) != 1 or not commit.only_appends:
        return None
    return (SQL.append_one, commit.execution_id, *astuple(commit.entries[0]), commit.epoch)


def _create(commit: Commit) -> Statement | None:
    if len(commit.create) != 1 or commit.create[0].id != commit.execution_id or not commit.create[0].owner:
        return None
    if commit != Commit(commit.execution_id, commit.epoch, create=commit.create):
        return None
    return (SQL.create_one, *astuple(commit.create[0]))


def _end(commit: Commit) -> Statement | None:
    change = commit.change
    if change is None or not change.status.ended or commit.events == "drop":
        return None
    if not replace(commit, change=None, events="keep", heard=None).only_appends:
        return None
    entries = [(0, commit.execution_id, *astuple(entry)) for entry in commit.entries]
    releases = commit.events == "release"
    return (SQL.end_one, commit.execution_id, commit.epoch, *astuple(change), releases, entries, commit.heard)
