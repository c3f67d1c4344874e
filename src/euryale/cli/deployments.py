"""``euryale deploy``, ``deployments``, ``environments``, ``remove-preview``, ``open``."""

import sys
from typing import Annotated

import typer

from euryale.cli.errors import UsageError
from euryale.cli.operations import Operation, Told, carry_out
from euryale.cli.options import PRODUCTION, AsJson, Environment, Project, Wait, Yes
from euryale.cli.output import print_json, print_table, say
from euryale.cli.projects import confirm, print_environments
from euryale.cli.session import session_of
from euryale.cli.wording import ago, duration, first_line
from euryale.cloud.client import PlatformClient
from euryale.cloud.wire.deployments import DeploymentInfo
from euryale.cloud.wire.projects import EnvironmentInfo
from euryale.kit.machine_time import utc_now


def deploy(
    context: typer.Context,
    project: Project,
    *,
    branch: Annotated[
        str | None, typer.Option(help="The branch. Default: production's; another one becomes a preview.")
    ] = None,
    ref: Annotated[str | None, typer.Option(help="A full commit hash. Default: the branch's head.")] = None,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Deploy a branch's head, or a commit, to the branch's environment."""
    session = session_of(context, as_json=as_json)

    async def start(platform: PlatformClient) -> str:
        return await platform.deploy(project, branch=branch, ref=ref)

    async def tell(platform: PlatformClient) -> Told:
        found = await platform.project(project)
        environment = next(each for each in found.environments if each.branch == (branch or found.branch))
        commit = "" if environment.live is None else f" serves {environment.live.commit[:8]}"
        return Told(f"{project}/{environment.name}{commit} at {environment.url}", {"environment": environment})

    carry_out(session, Operation(f"Deploying {project}", start, tell), wait=wait)


def deployments(
    context: typer.Context,
    project: Project,
    *,
    environment: Annotated[str | None, typer.Option("--environment", "-e", help="Only of this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List a project's deployments, newest first."""
    session = session_of(context, as_json=as_json)
    found = session.ask(lambda platform: platform.deployments(project, environment=environment, limit=limit))
    if as_json:
        print_json({"deployments": found})
        return
    columns = ("id", "nr", "state", "branch", "commit", "message", "cause", "took", "when")
    print_table(columns, [_row(each) for each in found], empty="There are no deployments.")
    if found and found[0].reason:
        say(f"\nThe newest did not succeed: {found[0].reason}")


def _row(deployment: DeploymentInfo) -> list[str]:
    took = ""
    if deployment.ended_at is not None:
        took = duration((deployment.ended_at - deployment.created_at).total_seconds())
    return [
        deployment.id,
        f"#{deployment.number}",
        deployment.state,
        deployment.branch,
        deployment.commit[:8],
        first_line(deployment.message, 40),
        deployment.cause,
        took,
        ago(deployment.created_at, utc_now()),
    ]


def environments(context: typer.Context, project: Project, *, as_json: AsJson = False) -> None:
    """List a project's environments, and what they serve."""
    session = session_of(context, as_json=as_json)
    found = session.ask(lambda platform: platform.environments(project))
    if as_json:
        print_json({"environments": found})
    else:
        print_environments(found)


def remove_preview(
    context: typer.Context,
    project: Project,
    environment: Annotated[str, typer.Argument(help="The preview's name.", show_default=False)],
    *,
    yes: Yes = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Remove a preview with its database; a new push to its branch makes it again."""
    session = session_of(context, as_json=as_json)
    confirm(f"This deletes the preview {environment} of {project} with its database.", environment, yes=yes)

    async def start(platform: PlatformClient) -> str:
        return await platform.remove_environment(project, environment)

    async def tell(_: PlatformClient) -> Told:
        return Told(f"{project}/{environment} was removed", {"removed": environment})

    carry_out(session, Operation(f"Removing {project}/{environment}", start, tell), wait=wait)


async def find_environment(platform: PlatformClient, project: str, environment: str) -> EnvironmentInfo:
    """Return an environment by its name.

    Raises:
        UsageError: If the project has none of that name.
        PlatformError: If there is no such project.
    """
    found = await platform.environments(project)
    for each in found:
        if each.name == environment:
            return each
    names = ", ".join(each.name for each in found) or "none"
    raise UsageError(f"{project} has no environment called {environment!r}.", hint=f"It has: {names}.")


def open_project(
    context: typer.Context, project: Project, *, environment: Environment = PRODUCTION, as_json: AsJson = False
) -> None:
    """Print an environment's address, and open it in a browser if there is one."""
    session = session_of(context, as_json=as_json)
    found = session.ask(lambda platform: find_environment(platform, project, environment))
    if as_json:
        print_json({"url": found.url})
        return
    say(found.url)
    if sys.stdout.isatty():
        typer.launch(found.url)
