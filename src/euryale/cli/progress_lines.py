"""Progress as lines, one a change: for files, pipes and CI. Pure."""

from typing import Final

from euryale.cli.progress import Progress, StepProgress
from euryale.cli.wording import duration, first_line
from euryale.cloud.wire.executions import ExecutionEventInfo

_WIDTH: Final = 240
_WORDS: Final = {
    "step.started": "…",
    "step.succeeded": "✔",
    "step.failed": "✘",
    "step.timed_out": "✘",
    "step.retrying": "↻",
    "undo.started": "↶",
    "undo.succeeded": "↶",
    "undo.retrying": "↻",
    "undo.failed": "✘",
}
_TOLD_OF_EXECUTIONS: Final = {"execution.compensating": "undoing what was done: {error}"}


def line_of(progress: Progress, event: ExecutionEventInfo) -> str | None:
    """Return the line for an event that the progress has taken in; None for what is not worth one."""
    execution = progress.executions[event.execution]
    where = execution.workflow or event.execution
    if (told := _TOLD_OF_EXECUTIONS.get(event.name)) is not None:
        return f"↶ {where}: {told.format(error=first_line(event.error, _WIDTH))}"
    step = execution.steps.get(event.step)
    if event.name not in _WORDS or step is None or step.kind == "emit":
        return None
    return f"{_WORDS[event.name]} {where} / {event.step}{_rest(event, step)}"


def _rest(event: ExecutionEventInfo, step: StepProgress) -> str:
    error = first_line(event.error, _WIDTH)
    began = event.started or step.started
    took = "" if began is None else f" ({duration((event.at - began).total_seconds())})"
    match event.name:
        case "step.succeeded":
            return took
        case "step.retrying" | "undo.retrying":
            return retry_note(event, step.max_attempts if event.name == "step.retrying" else 0)
        case "undo.started":
            return ": undoing"
        case "undo.succeeded":
            return ": undone"
        case "undo.failed":
            return f": could not be undone: {error}"
        case "step.failed" | "step.timed_out":
            return f"{took}: {error}"
        case _:
            return ""


def retry_note(event: ExecutionEventInfo, max_attempts: int) -> str:
    """Return what is said of a step that will be tried again."""
    of = f"/{max_attempts}" if max_attempts else ""
    wait = "" if event.due is None else f" in {duration((event.due - event.at).total_seconds())}"
    return f": retry {event.attempt + 1}{of}{wait}: {first_line(event.error, _WIDTH)}"
