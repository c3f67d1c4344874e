"""``euryale variables``, and how variables are given on the command line."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from euryale.cli.errors import UsageError
from euryale.cli.options import AsJson, Project
from euryale.cli.output import print_json, print_table, say
from euryale.cli.session import session_of
from euryale.cloud.client import VariableValue
from euryale.kit.secret import Secret


def variables(
    context: typer.Context,
    project: Project,
    *,
    var: Annotated[
        list[str] | None, typer.Option(metavar="NAME[=VALUE]", help="Set it; without a value: to this shell's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List a project's variables, without their values, or set some; the next deployment sees them."""
    session = session_of(context, as_json=as_json)
    given = parse_variables(var or [])
    if given:
        found = session.ask(lambda platform: platform.set_variables(project, given))
    else:
        found = session.ask(lambda platform: platform.variables(project))
    if as_json:
        print_json({"variables": found})
        return
    print_table(("name", "scope"), [[each.name, each.scope] for each in found], empty="There are no variables.")
    if given:
        say(f"The next deployment sees them: euryale deploy {project}")


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
