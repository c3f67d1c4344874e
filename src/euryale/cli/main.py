"""The command ``euryale``: all of its commands, and what becomes of their errors."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, Exit, TyperException

from euryale.cli import deployments, executions, logs, platform, projects, variables, workflows
from euryale.cli.errors import complain, error_block, error_document, exit_code
from euryale.cli.output import print_json
from euryale.cli.session import Session


class _Guarded(TyperGroup):
    """Turns every error of a command into one readable block and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        session: Session = ctx.ensure_object(Session)
        try:
            return super().invoke(ctx)
        except (Abort, Exit, TyperException):
            raise
        except Exception as error:
            if session.debug:
                raise
            if session.as_json and not session.answered:
                print_json(error_document(error))
            complain(error_block(error))
            raise typer.Exit(exit_code(error)) from error


app = typer.Typer(
    cls=_Guarded,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(epilog="Example: euryale up, then, in another terminal: euryale projects create shop --source ./my-shop")
def euryale(
    context: typer.Context,
    *,
    url: Annotated[str | None, typer.Option(envvar="EURYALE_URL", help="The platform's address.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="EURYALE_TOKEN", help="The API token; better in the environment.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Host applications from Git repositories on machines of your own.

    Without --url, the platform of `euryale login` is asked, or one on this machine whose directory .euryale is here,
    above or in the home directory. Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 the platform cannot be reached,
    4 not authorised, 130 stopped waiting.
    """
    session: Session = context.ensure_object(Session)
    session.url, session.token, session.debug = url or None, token or None, debug


app.command(epilog="Example: euryale up --data /srv/euryale --port 7400")(platform.up)
app.command(epilog="Example: euryale down --data /srv/euryale")(platform.down)
app.command(epilog="Example: euryale login --url https://cloud.example.com")(platform.login)
app.command(epilog="Example: euryale whoami")(platform.whoami)
app.add_typer(projects.app, name="projects")
app.command(epilog="Example: euryale deploy shop --branch new-checkout")(deployments.deploy)
app.command(epilog="Example: euryale deployments shop --environment production")(deployments.deployments)
app.command(epilog="Example: euryale environments shop")(deployments.environments)
app.command(name="remove-preview", epilog="Example: euryale remove-preview shop new-checkout --yes")(
    deployments.remove_preview
)
app.command(epilog="Example: euryale logs shop --build --follow")(logs.logs)
app.command(name="open", epilog="Example: euryale open shop")(deployments.open_project)
app.add_typer(variables.app, name="variables")
app.add_typer(executions.commands, name="executions")
app.add_typer(workflows.commands, name="workflows")
app.command(epilog="Example: euryale doctor --json")(platform.doctor)


def main() -> None:
    """Run the command; exits the process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show an icon shows a question mark
    app()
