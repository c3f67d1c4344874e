"""``euryale executions``: what the platform is doing, step by step."""

from typing import Annotated, get_args

import typer

from euryale.cli.asking import Executions, ask_executions
from euryale.cli.errors import DETACHED, UsageError, complain
from euryale.cli.history_table import COLUMNS, history_rows, shown_value
from euryale.cli.operations import took
from euryale.cli.options import App, AsJson, Execution, NewId
from euryale.cli.output import plain, print_fields, print_json, print_table, say
from euryale.cli.retrying import check_retried, retry_in_application
from euryale.cli.session import Session, session_of
from euryale.cli.waiting import check_outcome, detach, wait_for
from euryale.cli.wording import ago, duration, first_line
from euryale.cloud.wire.executions import ExecutionDetail, ExecutionInfo, ExecutionStatus, HistoryInfo, StepInfo
from euryale.kit.errors import with_hint
from euryale.kit.machine_time import utc_now
from euryale.workflows import Origin

_NEWEST = 200
_VALUE = 400

commands = typer.Typer(no_args_is_help=True, help="Look at what the platform does, end it or try it again.")


@commands.command(name="list", epilog="Example: euryale executions list --workflow create-project --status failed")
def list_executions(  # noqa: PLR0913 -- the options of a command
    context: typer.Context,
    *,
    workflow: Annotated[str | None, typer.Option(help="Only of this workflow.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only with this status; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what runs on events, such as notifications.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    before: Annotated[str | None, typer.Option(metavar="EXECUTION", help="Only older ones than this.")] = None,
    queue: Annotated[str | None, typer.Option(help="Only of this queue.")] = None,
    app: App = None,
    as_json: AsJson = False,
) -> None:
    """List executions, newest first."""
    session = session_of(context, as_json=as_json)
    statuses = _statuses(status or [])
    asked = ask_executions(
        session,
        app,
        lambda source: source.executions(
            workflow=workflow, statuses=statuses, limit=_NEWEST, before=before, queue=queue
        ),
    )
    found = [each for each in asked if everything or workflow or app or not _follows_event(each)][:limit]
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
    if len(found) == limit:
        say(f"Older ones: --before {found[-1].id}")


def _follows_event(execution: ExecutionInfo) -> bool:
    """Return whether it was started by an event, not by somebody."""
    return execution.workflow.startswith("subscriber:") or execution.workflow == "publish-event"


def _statuses(texts: list[str]) -> list[ExecutionStatus]:
    known: tuple[ExecutionStatus, ...] = get_args(ExecutionStatus)
    for text in texts:
        if text not in known:
            raise UsageError(f"{text!r} is no status.", hint=f"Known are: {', '.join(known)}.")
    return [each for each in known if each in texts]


@commands.command(epilog="Example: euryale executions show create-project:cli_01k9x3q7vd4m2n8p6r5s1t --follow")
def show(
    context: typer.Context,
    execution: Execution,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with live progress until it has ended.")
    ] = False,
    app: App = None,
    as_json: AsJson = False,
) -> None:
    """Show an execution: its steps, and each attempt with input, output or error, worker and times."""
    session = session_of(context, as_json=as_json)
    if follow:
        _follow(session, app, execution)
        return

    async def job(source: Executions) -> None:
        found = await source.execution(execution)
        children = [await source.execution(step.child) for step in found.steps if step.child]
        history = await source.execution_history(execution)
        if as_json:
            print_json({"execution": found, "children": children, "history": history})
            return
        _print(found, {child.id: child for child in children}, history)
        say()
        print_table(COLUMNS, history_rows(history), empty="Nothing has happened yet.")

    ask_executions(session, app, job)


@commands.command(epilog="Example: euryale executions watch order-42 --app myshop.flows:engine")
def watch(context: typer.Context, execution: Execution, *, app: App = None, as_json: AsJson = False) -> None:
    """Follow an execution live until it has ended; exit code 1 if it did not succeed. Ctrl-C only stops watching."""
    _follow(session_of(context, as_json=as_json), app, execution)


def _follow(session: Session, app: str | None, execution: str) -> None:
    async def job(source: Executions) -> None:
        if app and (await source.execution(execution)).finished_at is None:
            complain(f"{execution} goes on as long as a process of the application drives it; this one only watches.\n")
        outcome = await wait_for(source, execution, title=execution, as_json=session.as_json)
        session.answered = session.as_json
        if session.as_json:
            print_json({"type": "result", "execution": plain(outcome)})
        check_outcome(outcome)

    try:
        ask_executions(session, app, job)
    except KeyboardInterrupt:
        raise typer.Exit(detach(execution)) from None


def _print(execution: ExecutionDetail, children: dict[str, ExecutionDetail], history: HistoryInfo) -> None:
    error = execution.error
    print_fields(
        [
            ("id", execution.id),
            ("workflow", f"{execution.workflow} (version {execution.version})"),
            ("status", execution.status),
            ("origin", _origin(execution)),
            ("began", ago(execution.created_at, utc_now())),
            ("took", took(execution) if execution.finished_at else ""),
            ("input", shown_value(history.input, _VALUE)),
            ("result", shown_value(history.output, _VALUE)),
            ("error", with_hint(error.message, error.hint) if error else ""),
            ("raised at", error.where if error else ""),
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


def _origin(execution: ExecutionDetail) -> str:
    origin = execution.origin
    return "" if origin is None else Origin(origin.execution, origin.step).words


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


@commands.command(epilog="Example: euryale executions cancel deploy:key_01k9x3q7vd4m2n8p6r5s1t")
def cancel(context: typer.Context, execution: Execution, *, app: App = None, as_json: AsJson = False) -> None:
    """Ask an execution to end; what it has done is undone."""
    session = session_of(context, as_json=as_json)
    accepted = ask_executions(session, app, lambda source: source.cancel_execution(execution), acting=True)
    if as_json:
        print_json({"accepted": accepted})
    elif accepted:
        say(f"It ends and is undone. Follow it: euryale executions show {execution} --follow")
    else:
        say("It has ended already, or was asked before.")


@commands.command(epilog="Example: euryale executions retry create-project:key_01k9x3q7vd4m2n8p6r5s1t")
def retry(context: typer.Context, execution: Execution, *, app: App = None, as_json: AsJson = False) -> None:
    """Try again to undo an execution that ended failed, after its cause was mended; or let a stranded one go on.

    With --app this process does the undoing, of this execution alone, and ends when that has ended. It may be broken
    off: then it goes on when a worker of the application opens the store. A stranded one goes on in such a worker.
    """
    session = session_of(context, as_json=as_json)
    if app:
        _retry_here(session, app, execution)
        return
    started = ask_executions(session, None, lambda source: source.retry_execution(execution))
    if as_json:
        print_json({"execution": started})
    else:
        say(f"It is tried again. Follow it: euryale executions show {execution} --follow")


def _retry_here(session: Session, app: str, execution: str) -> None:
    goes_on = "it goes on when a worker of the application opens the store, or with another retry."
    try:
        outcome = retry_in_application(
            app, execution, begun=f"It is tried again. If this is broken off, {goes_on}", quiet=session.as_json
        )
    except KeyboardInterrupt:
        complain(f"\n{execution} is not undone yet: {goes_on}\n")
        raise typer.Exit(DETACHED) from None
    check_retried(outcome)
    if session.as_json:
        print_json({"execution": execution})
    elif outcome.status == "reverted":
        say("What had been done is undone.")
    else:
        say(f"It lacks nothing any more and is {outcome.status}; the application's workers go on with it.")


@commands.command(epilog="Example: euryale executions fork order-42 --from charge-card --id order-42b")
def fork(
    context: typer.Context,
    execution: Execution,
    *,
    from_step: Annotated[
        str, typer.Option("--from", metavar="STEP", help="The first step that is done again.", show_default=False)
    ],
    new_id: NewId = None,
    app: App = None,
    as_json: AsJson = False,
) -> None:
    """Do an execution again from a step on, in the workflow's current version; what came before is adopted.

    With --app a worker of the application does it: at once if one runs, else when the application runs next.
    """
    session = session_of(context, as_json=as_json)
    started = ask_executions(
        session, app, lambda source: source.fork_execution(execution, from_step, id=new_id), acting=True
    )
    _tell_started(session, started)


@commands.command(epilog="Example: euryale executions rerun order-42 --id order-42b")
def rerun(
    context: typer.Context, execution: Execution, *, new_id: NewId = None, app: App = None, as_json: AsJson = False
) -> None:
    """Do an execution again from its beginning, with the same input, in the workflow's current version.

    The former one stays as it is: what it did is neither adopted nor undone. With --app a worker of the application
    does it: at once if one runs, else when the application runs next.
    """
    session = session_of(context, as_json=as_json)
    started = ask_executions(session, app, lambda source: source.rerun_execution(execution, id=new_id), acting=True)
    _tell_started(session, started)


def _tell_started(session: Session, started: str) -> None:
    if session.as_json:
        print_json({"execution": started})
    else:
        say(f"It is {started}. Follow it: euryale executions watch {started}")
