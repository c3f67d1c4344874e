"""``euryale logs``."""

import asyncio
import sys
from typing import Annotated, Final

import typer

from euryale.cli.deployments import find_environment
from euryale.cli.errors import UsageError, complain
from euryale.cli.options import PRODUCTION, AsJson, Environment, Project
from euryale.cli.output import print_json
from euryale.cli.session import session_of
from euryale.cloud.client import PlatformClient
from euryale.cloud.wire.deployments import DeploymentInfo, LogKind

_TAIL: Final = 200
_LOOK_EVERY: Final = 1.0


def logs(
    context: typer.Context,
    project: Project,
    *,
    environment: Environment = PRODUCTION,
    build: Annotated[bool, typer.Option("--build", help="The newest build's log, not the application's.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is appended.")] = False,
    tail: Annotated[int, typer.Option("--tail", "-n", min=0, max=10_000, help="How many last lines.")] = _TAIL,
    as_json: AsJson = False,
) -> None:
    """Show the log of an environment's application, or of its newest build.

    Followed, the application's goes on from deployment to deployment, until Ctrl-C; a build's ends with the build.
    """
    session = session_of(context, as_json=as_json)
    kind: LogKind = "build" if build else "runtime"

    async def job(platform: PlatformClient) -> None:
        deployment = await _logged(platform, project, environment, kind)
        if not follow:
            text = await platform.log(deployment.id, kind, tail=tail)
            _write(text, deployment, kind, as_json=as_json)
        elif build:
            await _follow_one(platform, deployment, kind, tail, as_json=as_json)
        else:
            await _follow_all(platform, project, environment, deployment, tail, as_json=as_json)

    try:
        session.ask(job)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _logged(platform: PlatformClient, project: str, environment: str, kind: LogKind) -> DeploymentInfo:
    """Return the deployment whose log is meant: the newest for its build, the live one for its application."""
    if kind == "runtime":
        found = await find_environment(platform, project, environment)
        if found.live is not None:
            return found.live
    newest = await platform.deployments(project, environment=environment, limit=1)
    if not newest:
        raise UsageError(f"{project}/{environment} has no deployment yet.", hint=f"Make one: euryale deploy {project}")
    return newest[0]


async def _follow_one(
    platform: PlatformClient, deployment: DeploymentInfo, kind: LogKind, tail: int | None, *, as_json: bool
) -> None:
    async for text in platform.follow_log(deployment.id, kind, tail=tail):
        if as_json:
            print_json({"text": text})
        else:
            _print(text)


async def _follow_all(
    platform: PlatformClient, project: str, environment: str, first: DeploymentInfo, tail: int | None, *, as_json: bool
) -> None:
    """Follow an environment's application from deployment to deployment, until the environment is gone."""
    deployment = first
    while True:
        await _follow_one(platform, deployment, "runtime", tail, as_json=as_json)
        complain(f"-- deployment #{deployment.number} has ended; the log goes on with the next one that is live\n")
        deployment, tail = await _next_live(platform, project, environment, after=deployment), None
        if as_json:
            print_json({"deployment": deployment.id, "kind": "runtime"})
        complain(f"-- deployment #{deployment.number} ({deployment.commit[:8]}) is live\n")


async def _next_live(
    platform: PlatformClient, project: str, environment: str, *, after: DeploymentInfo
) -> DeploymentInfo:
    """Wait until another deployment is live."""
    while True:
        live = (await find_environment(platform, project, environment)).live
        if live is not None and live.id != after.id:
            return live
        await asyncio.sleep(_LOOK_EVERY)


def _write(text: str, deployment: DeploymentInfo, kind: LogKind, *, as_json: bool) -> None:
    if as_json:
        print_json({"deployment": deployment.id, "kind": kind, "text": text})
    else:
        _print(text if not text or text.endswith("\n") else f"{text}\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
