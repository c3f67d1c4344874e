"""Progress as a tree that is redrawn while things happen."""

from datetime import datetime
from typing import Final

from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from euryale.cli.progress import ExecutionProgress, Progress, State, StepProgress
from euryale.cli.wording import duration, first_line

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

    def render(self, now: datetime, width: int) -> Table:
        """Return the tree as it is now."""
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(width - 12, 20))
        table.add_column(justify="right", no_wrap=True)
        table.add_row(Text(self.title, style="bold"), "")
        root = self._progress.executions.get(self._progress.root)
        if root is not None:
            self._add(table, root, now, depth=1)
        return table

    def _add(self, table: Table, execution: ExecutionProgress, now: datetime, *, depth: int) -> None:
        for step in execution.steps.values():
            if step.kind == "emit":
                continue
            seconds = step.seconds(now)
            told = "" if seconds is None or step.state == "pending" else duration(seconds)
            table.add_row(self._line(step, now, depth), Text(told, style="dim"))
            child = self._progress.child(execution.id, step.id)
            if child is not None:
                self._add(table, child, now, depth=depth + 1)
            elif self._is_building(step):
                table.add_row(Text(f"{_INDENT * (depth + 1)}{self.log_line}", style="dim"), "")

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


BUILD_STEP: Final = "build-artifact"
"""The step beneath which the build's last line of output is shown."""


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
