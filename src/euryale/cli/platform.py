"""``euryale up``, ``down``, ``login``, ``whoami``, ``doctor``."""

import contextlib
import importlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from euryale.cli.address import Address, checked_url, find_address, keep_login
from euryale.cli.errors import FAILED, UsageError
from euryale.cli.options import AsJson
from euryale.cli.output import print_json, print_table, say
from euryale.cli.session import Session, places, session_of
from euryale.kit.secret import Secret

Data = Annotated[
    Path | None,
    typer.Option("--data", help="The directory that holds everything the platform keeps. Default: .euryale"),
]

_SERVING = "euryale.cloud.serving"
"""Imported when it is needed: it takes longer to import than most commands take."""


_OF_THE_COMMAND = ("EURYALE_URL", "EURYALE_TOKEN", "EURYALE_APP")
"""What the command reads from the environment; the platform would take them for misspelt settings."""


def up(
    context: typer.Context,
    *,
    data: Data = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The API's port. Default: 7400")] = None,
    http_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port on which applications are reached. Default: 7480")
    ] = None,
    domain: Annotated[
        str | None, typer.Option(help="What is behind <environment>.<project> in their addresses. Default: localhost")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the platform in the foreground. What it hosts goes on serving when it stops."""
    session_of(context, as_json=as_json)
    given = {"data": data, "port": port, "http_port": http_port, "domain": domain}

    def ready(url: str, home: Any) -> None:
        if as_json:
            print_json({"url": url, "data": str(home.path), "token_file": str(home.path / "token")})
            return
        say(f"Euryale is at {url}")
        say(f"Its data and the owner's token are in {home.path} (file token).")
        say("Next: euryale projects create NAME --source DIRECTORY. Stop with Ctrl-C; end what it hosts: euryale down")

    for name in _OF_THE_COMMAND:
        os.environ.pop(name, None)
    with contextlib.suppress(KeyboardInterrupt):  # it has stopped in order by the time this is raised
        importlib.import_module(_SERVING).run(_only_given(given), ready=ready)
    if not as_json:
        say("The platform has stopped. What it hosts goes on; end that too: euryale down")


def down(
    context: typer.Context,
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Stop the platform and everything that it hosts. Data is kept: euryale up brings it back."""
    session_of(context, as_json=as_json)
    importlib.import_module(_SERVING).down(_only_given({"data": data}))
    if as_json:
        print_json({"stopped": True})
    else:
        say("Everything has stopped. Bring it back: euryale up")


def _only_given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def login(
    context: typer.Context,
    *,
    url: Annotated[str | None, typer.Option(help="The platform's address. Default: what is asked now.")] = None,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from standard input.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep a platform's address and token for this account, after trying them."""
    session = session_of(context, as_json=as_json)
    address = _given_address(session, url, token_stdin=token_stdin)
    asked = Session(address.url, address.token.reveal(), debug=session.debug)
    caller = asked.ask(lambda platform: platform.whoami())
    keep_login(places().login, address)
    if as_json:
        print_json({"url": address.url, "caller": caller, "file": str(places().login)})
    else:
        say(f"You are {caller.name} ({', '.join(caller.roles)}) at {address.url}; kept in {places().login}")


def _given_address(session: Session, url: str | None, *, token_stdin: bool) -> Address:
    url = url or session.url
    if url is None:
        url = find_address(places(), url=None, token=None).url
    url = checked_url(url)
    if session.token and not token_stdin:
        return Address(url, Secret(session.token))
    if not token_stdin and not sys.stdin.isatty():
        raise UsageError("There is nobody to ask for the token.", hint="Use --token-stdin, or set EURYALE_TOKEN.")
    token = sys.stdin.readline() if token_stdin else typer.prompt("Token", hide_input=True, err=True)
    if not token.strip():
        raise UsageError("The token is empty.", hint="The owner's is in the platform's directory, in the file token.")
    return Address(url, Secret(token.strip()))


def whoami(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Say which platform is asked, and as whom."""
    session = session_of(context, as_json=as_json)
    address = find_address(places(), url=session.url, token=session.token)
    caller = session.ask(lambda platform: platform.whoami())
    if as_json:
        print_json({"url": address.url, "caller": caller})
    else:
        say(f"{caller.name} ({', '.join(caller.roles)}) at {address.url}")


def doctor(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Compare what the platform has written down with what really exists; exit code 1 if they differ."""
    session = session_of(context, as_json=as_json)
    found = session.ask(lambda platform: platform.doctor())
    if as_json:
        print_json(found)
    elif found.healthy:
        say("Everything that exists is written down, and the other way round.")
    else:
        rows = [[each.family, each.name, each.problem] for each in found.differences]
        print_table(("family", "name", "problem"), rows, empty="")
        say("While something is being made or taken away, there may be differences; look again.")
    if not found.healthy:
        raise typer.Exit(FAILED)
