"""Print docs/reference/telemetry.md, made from the reports themselves."""

import sys
from collections.abc import Iterator
from itertools import groupby

from euryale.workflows.runtime.reports import REPORTS, Reported

HEAD = """\
# Telemetry of the workflow engine

Made from the code by `scripts/docs`; do not edit.

The engine reports what happens to `Engine.telemetry`. Attach a listener, a function of a name and a payload, before the
engine is opened: `engine.telemetry.attach(listener)`. It is called where it happens, in the event loop, so it must not
block. Traces (`euryale.workflows.opentelemetry`) and metrics (`euryale.workflows.prometheus`) are such listeners: see
[how to see what happens](../how-to/see-what-happens.md).

Times are seconds since the epoch, durations are seconds. No report carries an input or an output; errors are scrubbed
of secrets.
"""


def render() -> str:
    """Return the whole page."""
    return HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    for room, reports in groupby(sorted(REPORTS.items()), key=lambda each: each[0].split(".")[1]):
        yield f"\n## workflow.{room}\n"
        yield from (_section(name, report) for name, report in reports)


def _section(name: str, report: Reported) -> str:
    rows = [f"| `{key}` | {meaning} |" for key, meaning in report.payload.items()]
    return "\n".join([f"\n### `{name}`\n", f"{report.when}\n", "| payload | what |", "|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
