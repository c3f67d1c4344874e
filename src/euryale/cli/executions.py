"""``euryale executions``: what the platform is doing, step by step."""

from typing import Annotated, get_args

import typer

from euryale.cli.errors import UsageError
from euryale.cli.operations import took
from euryale.cli.options import AsJson, Execution
from euryale.cli.output import plain, print_fields, print_json, print_table, say
from euryale.cli.session import session_of
from euryale.cli.waiting import check_outcome, detach, wait_for
from euryale.cli.wording import ago, duration, first_line
from euryale.cloud.client import PlatformClient
from euryale.cloud.wire.executions import ExecutionDetail, ExecutionInfo, ExecutionStatus, StepInfo
from euryale.kit.machine_time import utc_now

_NEWEST = 200

app = typer.Typer(no_args_is_help=True, help="Look at what the platform does, end it or try it again.")


@app.command(name="list", epilog="Example: euryale executions list --workflow create-project --status failed")
def list_executions(
    context: typer.Context,
    *,
    workflow: Annotated[str | None, typer.Option(help="Only of this workflow.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only with this status; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what runs on events, such as notifications.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List executions, newest first."""
    session = session_of(context, as_json=as_json)
    statuses = _statuses(status or [])
    asked = session.ask(lambda platform: platform.executions(workflow=workflow, statuses=statuses, limit=_NEWEST))
    found = [each for each in asked if everything or workflow or not _follows_event(each)][:limit]
    if as_json:
        print_json({"executions": found})
        return
    now = utc_now()
    rows = [
        [
            each.id,
            each.workflow,
            each.status,
            ago(each.created_at, now),
            first_line(each.error.message if each.error else each.stranded, 80),
        ]
        for each in found
    ]
    print_table(("id", "workflow", "status", "when", "why"), rows, empty="There are no executions.")


def _follows_event(execution: ExecutionInfo) -> bool:
    """Return whether it was started by an event, not by somebody."""
    return execution.workflow.startswith("subscriber:") or execution.workflow == "publish-event"


def _statuses(texts: list[str]) -> list[ExecutionStatus]:
    known: tuple[ExecutionStatus, ...] = get_args(ExecutionStatus)
    for text in texts:
        if text not in known:
            raise UsageError(f"{text!r} is no status.", hint=f"Known are: {', '.join(known)}.")
    return [each for each in known if each in texts]


@app.command(epilog="Example: euryale executions show create-project:cli_01k9x3q7vd4m2n8p6r5s1t --follow")
def show(
    context: typer.Context,
    execution: Execution,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with live progress until it has ended.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show an execution with its steps: states, attempts, times, errors."""
    session = session_of(context, as_json=as_json)

    async def job(platform: PlatformClient) -> None:
        if follow:
            outcome = await wait_for(platform, execution, title=execution, as_json=as_json)
            session.answered = as_json
            if as_json:
                print_json({"type": "result", "execution": plain(outcome)})
            check_outcome(outcome)
            return
        found = await platform.execution(execution)
        children = [await platform.execution(step.child) for step in found.steps if step.child]
        if as_json:
            print_json({"execution": found, "children": children})
            return
        _print(found, {child.id: child for child in children})

    try:
        session.ask(job)
    except KeyboardInterrupt:
        raise typer.Exit(detach(execution)) from None


def _print(execution: ExecutionDetail, children: dict[str, ExecutionDetail]) -> None:
    error = execution.error
    print_fields(
        [
            ("id", execution.id),
            ("workflow", f"{execution.workflow} (version {execution.version})"),
            ("status", execution.status),
            ("began", ago(execution.created_at, utc_now())),
            ("took", took(execution) if execution.finished_at else ""),
            ("error", f"{error.message} {error.hint}".strip() if error else ""),
            ("stranded", execution.stranded),
        ]
    )
    say()
    rows: list[list[str]] = []
    for step in execution.steps:
        rows.append(_row(step, indent=""))
        child = children.get(step.child)
        rows += [_row(each, indent="  ") for each in child.steps] if child else []
    print_table(("step", "state", "undo", "attempts", "took", "error"), rows, empty="It has no steps.")


def _row(step: StepInfo, *, indent: str) -> list[str]:
    seconds = (step.ended - step.started).total_seconds() if step.started and step.ended else None
    return [
        f"{indent}{step.id}",
        step.state,
        "" if step.undo_state == "none" else step.undo_state,
        str(step.attempts or ""),
        "" if seconds is None else duration(seconds),
        first_line(step.error, 100),
    ]


@app.command(epilog="Example: euryale executions cancel deploy:key_01k9x3q7vd4m2n8p6r5s1t")
def cancel(context: typer.Context, execution: Execution, *, as_json: AsJson = False) -> None:
    """Ask an execution to end; what it has done is undone."""
    session = session_of(context, as_json=as_json)
    accepted = session.ask(lambda platform: platform.cancel_execution(execution))
    if as_json:
        print_json({"accepted": accepted})
    elif accepted:
        say(f"It ends and is undone. Follow it: euryale executions show {execution} --follow")
    else:
        say("It has ended already, or was asked before.")


@app.command(epilog="Example: euryale executions retry create-project:key_01k9x3q7vd4m2n8p6r5s1t")
def retry(context: typer.Context, execution: Execution, *, as_json: AsJson = False) -> None:
    """Try again to undo an execution that ended failed, after its cause was mended."""
    session = session_of(context, as_json=as_json)
    started = session.ask(lambda platform: platform.retry_execution(execution))
    if as_json:
        print_json({"execution": started})
    else:
        say(f"It is tried again. Follow it: euryale executions show {execution} --follow")
