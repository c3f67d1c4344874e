"""Progress as a tree that is redrawn while things happen."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from euryale.cli.progress import OVER, ExecutionProgress, Progress, State, StepProgress
from euryale.cli.wording import duration, first_line

BUILD_STEP: Final = "build-artifact"
"""The step beneath which the build's last line of output is shown."""

_ICONS: Final[dict[State, tuple[str, str]]] = {
    "pending": ("·", "dim"),
    "running": ("●", "cyan"),
    "retrying": ("↻", "yellow"),
    "succeeded": ("✔", "green"),
    "skipped": ("-", "dim"),
    "failed": ("✘", "red"),
    "undoing": ("↶", "yellow"),
    "undo_retrying": ("↻", "yellow"),
    "undone": ("↶", "dim yellow"),
    "undo_failed": ("✘", "bold red"),
}
_INDENT: Final = "  "
_TIMES: Final = 14


@dataclass(frozen=True, slots=True)
class _Row:
    line: Text
    took: str = ""
    over: bool = False


class ProgressTree:
    """Draws an operation.

    Args:
        progress: What is known of it.
        title: What it is, for a person.
    """

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._spinner = Spinner("dots", style="cyan")
        self.title = title
        self.log_line = ""

    def render(self, now: datetime, width: int, height: int) -> Table:
        """Return the tree as it is now.

        Args:
            now: The time, for what is under way.
            width: The columns there are.
            height: The lines there are; when they do not suffice, what was over first is left out first.
        """
        rows = [_Row(Text(self.title, style="bold"))]
        root = self._progress.executions.get(self._progress.root)
        if root is not None:
            rows += self._rows(root, now, depth=1)
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(width - _TIMES, _TIMES))
        table.add_column(justify="right", no_wrap=True)
        for row in _fitting(rows, height):
            table.add_row(row.line, Text(row.took, style="dim"))
        return table

    def _rows(self, execution: ExecutionProgress, now: datetime, *, depth: int) -> Iterator["_Row"]:
        for step in execution.steps.values():
            if step.kind == "emit":
                continue
            seconds = step.seconds(now)
            took = "" if seconds is None or step.state == "pending" else duration(seconds)
            yield _Row(self._line(step, now, depth), took, over=step.state in OVER)
            child = self._progress.child(execution.id, step.id)
            if child is not None:
                yield from self._rows(child, now, depth=depth + 1)
            elif self._is_building(step):
                yield _Row(Text(f"{_INDENT * (depth + 1)}{self.log_line}", style="dim"))

    def _is_building(self, step: StepProgress) -> bool:
        return bool(self.log_line) and step.id == BUILD_STEP and step.state == "running"

    def _line(self, step: StepProgress, now: datetime, depth: int) -> Text:
        icon, style = _ICONS[step.state]
        line = Text(_INDENT * depth)
        if step.state in {"running", "undoing"}:
            frame = self._spinner.render(now.timestamp())
            line.append_text(frame if isinstance(frame, Text) else Text(icon, style=style))
        else:
            line.append(icon, style=style)
        line.append(f" {step.id}", style="dim" if step.state in {"pending", "skipped"} else "")
        note = step_note(step, now)
        if note:
            line.append(f"  {note}", style=style)
        return line


def step_note(step: StepProgress, now: datetime) -> str:
    """Return what is to be said of a step besides its state."""
    error = first_line(step.error, 160)
    match step.state:
        case "retrying" | "undo_retrying":
            of = f"/{step.max_attempts}" if step.max_attempts and step.state == "retrying" else ""
            wait = "" if step.due is None else f" in {duration((step.due - now).total_seconds())}"
            return f"retry {step.attempt + 1}{of}{wait}: {error}"
        case "running" if step.attempt > 1:
            of = f"/{step.max_attempts}" if step.max_attempts else ""
            return f"attempt {step.attempt}{of}"
        case "failed" | "undo_failed":
            return error
        case "undoing":
            return "undoing"
        case "undone":
            return "undone"
        case _:
            return ""


def _fitting(rows: list[_Row], height: int) -> list[_Row]:
    """Leave out as many rows as are too many, those first that were over first."""
    too_many = len(rows) - height
    kept = []
    for row in rows:
        if too_many > 0 and row.over:
            too_many -= 1
        else:
            kept.append(row)
    return kept
