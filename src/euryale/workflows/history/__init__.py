"""Everything that happened in an execution, as a person or a program may see it."""

from euryale.workflows.history.reading import read_history
from euryale.workflows.history.values import (
    Attempt,
    AttemptOutcome,
    History,
    Moment,
    NodeHistory,
    ReceivedMessage,
    WorkerChange,
)

__all__ = [
    "Attempt",
    "AttemptOutcome",
    "History",
    "Moment",
    "NodeHistory",
    "ReceivedMessage",
    "WorkerChange",
    "read_history",
]
