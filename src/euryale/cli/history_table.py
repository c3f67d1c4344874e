"""An execution's history as a table: a row for each attempt, in the order in which they began. Pure."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from euryale.cli.wording import duration, first_line
from euryale.cloud.wire.executions import AttemptInfo, HistoryInfo, NodeHistoryInfo

COLUMNS: Final = ("began", "step", "attempt", "outcome", "took", "worker", "input", "output or error")
_VALUE: Final = 60
_Row = tuple[datetime | None, list[str]]


def history_rows(history: HistoryInfo) -> list[list[str]]:
    """Return the rows; what is not known to have begun stands where it ended."""
    rows = [row for node in history.nodes for row in _of_node(node)]
    rows += [
        (moment.at, [_clock(moment.at), f"* {moment.name}", "", "", "", _short(moment.worker), "", _error(moment)])
        for moment in history.moments
    ]
    rows += [
        (
            each.at,
            [_clock(each.at), f"* told: {each.kind} {each.name}".rstrip(), "", "", "", "", "", _value(each.value)],
        )
        for each in history.messages
    ]
    first = history.created_at
    return [row for _, row in sorted(rows, key=lambda each: each[0] or first)]


def _of_node(node: NodeHistoryInfo) -> Iterator[_Row]:
    if node.adopted:
        yield node.ended, ["", node.id, "", "adopted", "", "", "", _value(node.output)]
    for attempt in node.attempts:
        yield _of_attempt(node.id, attempt)
    for attempt in node.undo_attempts:
        yield _of_attempt(f"undo {node.id}", attempt)


def _of_attempt(what: str, attempt: AttemptInfo) -> _Row:
    took = (attempt.ended - attempt.started).total_seconds() if attempt.started and attempt.ended else None
    return attempt.started or attempt.ended, [
        _clock(attempt.started),
        what,
        str(attempt.number),
        attempt.outcome,
        "" if took is None else duration(took),
        _short(attempt.worker),
        "" if attempt.input is None else _value(attempt.input),
        _error(attempt) or _value(attempt.output),
    ]


def _error(told: Any) -> str:
    return "" if told.error is None else first_line(told.error.message, _VALUE)


def shown_value(value: Any, width: int) -> str:
    """Return a value on one line, cut to a width; nothing for None."""
    return "" if value is None else first_line(json.dumps(value, ensure_ascii=False), width)


def _value(value: Any) -> str:
    return shown_value(value, _VALUE)


def _clock(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%H:%M:%S}.{moment.microsecond // 1000:03}"


def _short(worker: str) -> str:
    """Return a worker's machine and process, without what tells two engines of one process apart."""
    return worker.rpartition(":")[0] or worker
