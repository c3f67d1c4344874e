"""``euryale variables``, and how variables are given on the command line."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from euryale.cli.errors import UsageError
from euryale.cli.options import AsJson, Project
from euryale.cli.output import print_json, print_table, say
from euryale.cli.session import Session, session_of
from euryale.cloud.client import VariableValue
from euryale.cloud.wire.projects import VariableInfo
from euryale.kit.secret import Secret

app = typer.Typer(no_args_is_help=True, help="List, set and unset what a project's builds and processes are told.")


@app.command(name="list", epilog="Example: euryale variables list shop")
def list_variables(context: typer.Context, project: Project, *, as_json: AsJson = False) -> None:
    """List a project's variables, without their values."""
    session = session_of(context, as_json=as_json)
    _show(session, session.ask(lambda platform: platform.variables(project)))


@app.command(name="set", epilog="Example: euryale variables set shop LOG_LEVEL=debug STRIPE_KEY")
def set_variables(
    context: typer.Context,
    project: Project,
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME[=VALUE]...", help="A variable; without a value: this shell's.", show_default=False
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Set variables of a project; the next deployment sees them."""
    session = session_of(context, as_json=as_json)
    values = parse_variables(given)
    _show(session, session.ask(lambda platform: platform.set_variables(project, values)), changed=project)


@app.command(name="unset", epilog="Example: euryale variables unset shop LOG_LEVEL")
def unset_variables(
    context: typer.Context,
    project: Project,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="A variable.", show_default=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Unset variables of a project, all of these or none; the next deployment does not see them."""
    session = session_of(context, as_json=as_json)
    _show(session, session.ask(lambda platform: platform.unset_variables(project, names)), changed=project)


def _show(session: Session, found: Sequence[VariableInfo], *, changed: str = "") -> None:
    """Print what variables there are now, and what is to be done if those of a project were changed."""
    if session.as_json:
        print_json({"variables": found})
        return
    print_table(("name", "scope"), [[each.name, each.scope] for each in found], empty="There are no variables.")
    if changed:
        say(f"What runs keeps the former ones until it is deployed again: euryale deploy {changed}")


def parse_variables(texts: Sequence[str]) -> list[VariableValue]:
    """Return variables that were given as ``NAME=VALUE``, or as ``NAME`` with the value of this shell's.

    Raises:
        UsageError: If a text is neither, or the shell has no such variable.
    """
    return [_parse(text) for text in texts]


def _parse(text: str) -> VariableValue:
    name, equals, value = text.partition("=")
    if not name:
        raise UsageError(f"{text!r} is no variable.", hint="Give NAME=VALUE, or NAME to take this shell's value.")
    if not equals:
        if name not in os.environ:
            raise UsageError(f"The variable {name} has no value here.", hint=f"Give {name}=VALUE, or export it first.")
        value = os.environ[name]
    return VariableValue(name, Secret(value))
