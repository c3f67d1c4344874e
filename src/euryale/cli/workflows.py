"""``euryale workflows``: which workflows there are, and what they do."""

from pathlib import Path
from typing import Annotated, Final, get_args

import typer

from euryale.cli.asking import Executions, ask_executions, ask_workflows
from euryale.cli.errors import UsageError
from euryale.cli.options import App, AsJson
from euryale.cli.output import print_json, print_table, say
from euryale.cli.session import session_of
from euryale.cloud.wire.executions import GraphFormat

_BY_ENDING: Final[dict[str, GraphFormat]] = {
    ".svg": "svg",
    ".json": "json",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
}

commands = typer.Typer(no_args_is_help=True, help="Look at the workflows of the platform, or of your own application.")


@commands.command(name="list", epilog="Example: euryale workflows list --app myshop.flows:engine")
def list_workflows(context: typer.Context, *, app: App = None, as_json: AsJson = False) -> None:
    """List workflows, each in its highest version."""
    found = ask_workflows(session_of(context, as_json=as_json), app, lambda source: source.workflows())
    if as_json:
        print_json({"workflows": found})
        return
    rows = [[each.name, str(each.version), each.title] for each in found]
    print_table(("workflow", "version", "what"), rows, empty="There are no workflows.")


@commands.command(epilog="Example: euryale workflows graph place-order --app myshop.flows:engine -o place-order.svg")
def graph(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The workflow's name.", show_default=False)],
    *,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="svg, mermaid or json. Default: what the file's name says; mermaid without a file."
        ),
    ] = None,
    execution: Annotated[str | None, typer.Option(help="Colour it by what the steps of this execution are at.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
    app: App = None,
    as_json: AsJson = False,
) -> None:
    """Draw what a workflow does, step by step."""
    session = session_of(context, as_json=as_json)
    wanted = _format(form, output)

    if execution is None:
        picture = ask_workflows(session, app, lambda source: source.workflow_graph(name, wanted))
    else:
        picture = ask_executions(session, app, lambda source: _coloured(source, name, execution, wanted))
    if output is not None:
        _write(output, picture)
    if as_json:
        print_json(
            {"workflow": name, "format": wanted, "file": None if output is None else str(output), "graph": picture}
        )
    elif output is None:
        typer.echo(picture, nl=not picture.endswith("\n"))
    else:
        say(f"{output} was written.")


async def _coloured(source: Executions, name: str, execution: str, form: GraphFormat) -> str:
    found = await source.execution(execution)
    if found.workflow != name:
        raise UsageError(f"{execution} is an execution of {found.workflow!r}, not of {name!r}.")
    return await source.execution_graph(execution, form)


def _format(form: str | None, output: Path | None) -> GraphFormat:
    if form is None:
        return "mermaid" if output is None else _format_of(output)
    known: tuple[GraphFormat, ...] = get_args(GraphFormat)
    for each in known:
        if each == form:
            return each
    raise UsageError(f"{form!r} is no format.", hint=f"Known are: {', '.join(known)}.")


def _format_of(output: Path) -> GraphFormat:
    form = _BY_ENDING.get(output.suffix.lower())
    if form is None:
        raise UsageError(
            f"The name {str(output)!r} does not say in which format to draw.",
            hint=f"Let it end with {', '.join(_BY_ENDING)}, or say --format.",
        )
    return form


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
