"""What the engine reports to ``Engine.telemetry``: each event with its payload. Traces and metrics are made of these.

Times are seconds since the epoch, durations seconds. What an attempt or an execution is about is told by its names and
ids; no report carries an input or an output.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ATTEMPT_STARTED: Final = "workflow.step.started"
ATTEMPT_ENDED: Final = "workflow.step.ended"
UNDO_STARTED: Final = "workflow.undo.started"
UNDO_ENDED: Final = "workflow.undo.ended"
STARTING: Final = "workflow.execution.starting"
CREATED: Final = "workflow.execution.created"
CLAIMED: Final = "workflow.execution.claimed"
LET_GO: Final = "workflow.execution.let_go"
FINISHED: Final = "workflow.execution.finished"
TURNED: Final = "workflow.execution.compensating"
RETRYING: Final = "workflow.step.retrying"
UNDO_FAILED: Final = "workflow.undo.failed"
STRANDED: Final = "workflow.execution.stranded"
WORKER_LOST: Final = "workflow.worker.lost"
WORKERS_REAPED: Final = "workflow.worker.reaped"
FIRING: Final = "workflow.schedule.firing"
FIRED: Final = "workflow.schedule.fired"
SKIPPED: Final = "workflow.schedule.skipped"
LATE: Final = "workflow.schedule.late"
WRITTEN: Final = "workflow.store.written"
AWAY: Final = "workflow.store.away"


@dataclass(frozen=True, slots=True)
class Reported:
    """One event.

    Attributes:
        when: When it is reported.
        payload: What it carries: names, and what they mean.
    """

    when: str
    payload: Mapping[str, str]


_WHOSE: Final = {"execution": "its id", "workflow": "the workflow's name"}
_NODE: Final = {**_WHOSE, "step": "the node's id"}
_NUMBERED: Final = {**_NODE, "attempt": "which attempt, from 1; 0 for what is no attempt"}
_ATTEMPT: Final = {**_NUMBERED, "name": "the step's name; empty for a child"}
_ENDED: Final = {
    **_ATTEMPT,
    "seconds": "how long it took",
    "outcome": "`succeeded`, `failed`, `timed_out` or `interrupted`",
    "failure": "a `Failure`, scrubbed, or None",
}
_FAMILY: Final = {
    **_WHOSE,
    "root": "the outermost execution's id",
    "parent": "the id of the execution that calls it, or an empty string",
    "step": "the node that calls it, or an empty string",
}
_HELD: Final = {**_FAMILY, "worker": "the worker's name", "epoch": "how often it changed its owner"}
_TICK: Final = {
    "schedule": "its name",
    "workflow": "the name of the workflow that it starts",
    "tick": "the tick; by hand, the time",
    "by_hand": "whether somebody fires it out of turn",
    "execution": "the id of the execution that is to be created, or an empty string",
}
_AT: Final = {**_NUMBERED, "at": "when, as the journal has it"}

REPORTS: Final[Mapping[str, Reported]] = {
    STARTING: Reported(
        "An execution is about to be created, in the context of whoever asked for it.",
        {
            **_FAMILY,
            "carrier": "a dict: the `traceparent` that a listener puts into it is kept with the execution",
        },
    ),
    CREATED: Reported(
        "An execution is durable.",
        {**_FAMILY, "queue": "the queue that it waits in, or an empty string", "version": "the workflow's version"},
    ),
    CLAIMED: Reported(
        "This worker begins to drive an execution: a new one, one that was due, or one that it took over.",
        {
            **_HELD,
            "trace": "the W3C trace context of whoever started it, or an empty string",
            "queue": "the queue that it waited in, or an empty string",
            "first": "whether nobody drove it before",
            "waited": "how long it was due before it was claimed, or None if that is not known",
            "former": "the worker that drove it before if that was another one, or an empty string",
            "compensating": "whether it is being undone",
        },
    ),
    LET_GO: Reported(
        "This worker does not drive the execution any more.",
        {
            **_HELD,
            "cause": "`ended`, `resting` (it only waits), `lost` (another worker took it over), `stranded` or `closed`",
            "status": "where it stands",
        },
    ),
    FINISHED: Reported(
        "An execution has ended, durably. One that is retried or undone with its parent ends again.",
        {
            **_AT,
            "status": "`succeeded`, `reverted` or `failed`",
            "reason": "why it turned: `error`, `timeout`, `cancelled`, or an empty string",
            "seconds": "how long it took since it was created",
            "failure": "a `Failure`, scrubbed, or None",
        },
    ),
    STRANDED: Reported("Nobody here can drive an execution on.", {**_WHOSE, "lacking": "what it lacks"}),
    ATTEMPT_STARTED: Reported("An attempt at a step begins, in the task that makes it; or a child is.", _ATTEMPT),
    ATTEMPT_ENDED: Reported("An attempt at a step has ended, in the task that made it; it is not durable yet.", _ENDED),
    UNDO_STARTED: Reported("An attempt at a compensation begins, in the task that makes it.", _ATTEMPT),
    UNDO_ENDED: Reported("An attempt at a compensation has ended, in the task that made it.", _ENDED),
    "workflow.step.succeeded": Reported("It is durable that a step, a child or a wait has succeeded.", _AT),
    "workflow.step.adopted": Reported("It is durable that a forked execution takes over a step's outcome.", _AT),
    RETRYING: Reported("It is durable that an attempt failed, and another one follows.", _AT),
    "workflow.step.waiting": Reported(
        "It is durable that a node waits: for a child, a word from outside, a time.", _AT
    ),
    "workflow.step.failed": Reported("It is durable that a node has failed for good.", _AT),
    "workflow.step.timed_out": Reported("It is durable that a node took too long, for good.", _AT),
    "workflow.choice.made": Reported("It is durable which side of a `when` is taken.", _AT),
    "workflow.event.staged": Reported("An event is staged, durably.", _AT),
    TURNED: Reported("It is durable that an execution turned, and is undone.", _AT),
    "workflow.execution.reopened": Reported("Compensations that gave up are tried again.", _AT),
    "workflow.undo.succeeded": Reported("It is durable that a node was undone.", _AT),
    "workflow.undo.retrying": Reported("It is durable that a compensation failed, and is tried again.", _AT),
    UNDO_FAILED: Reported("It is durable that a compensation gave up.", _AT),
    WORKER_LOST: Reported(
        "This worker did not renew its lease in time: others go on with what it owned.",
        {"worker": "its name", "executions": "how many it drove"},
    ),
    WORKERS_REAPED: Reported("Other workers were found dead; what they owned is due.", {"workers": "their names"}),
    FIRING: Reported(
        "This worker asks for a tick's execution, as every other worker does that knows the schedule.",
        {**_TICK, "carrier": "a dict: the `traceparent` that a listener puts into it is kept with the execution"},
    ),
    FIRED: Reported(
        "A tick has fired, durably, and this worker was the one.",
        {**_TICK, "cancelled": "the former execution, if it is cancelled because of this, or an empty string"},
    ),
    SKIPPED: Reported(
        "A tick was skipped, durably.", {**_TICK, "reason": "`overlap`, `missed`, `input`, `rejected` or `duplicate`"}
    ),
    LATE: Reported("Another worker decided the tick before; or this one did, and the answer was lost.", _TICK),
    WRITTEN: Reported(
        "A batch of commits was written.",
        {
            "commits": "how many",
            "entries": "how many journal entries they have",
            "refused": "how many of them were refused, as another worker owns the execution",
            "seconds": "how long it took",
        },
    ),
    AWAY: Reported("A batch could not be written, as the store is away; it is tried again.", {"error": "what it said"}),
}
"""Every event by its name."""
