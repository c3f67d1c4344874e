"""``euryale projects``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from euryale.cli.address import find_address
from euryale.cli.errors import UsageError
from euryale.cli.operations import Operation, Told, carry_out
from euryale.cli.options import AsJson, Project, Wait, Yes
from euryale.cli.output import print_fields, print_json, print_table, say
from euryale.cli.session import Session, places, session_of
from euryale.cli.source_push import push_head, read_branch
from euryale.cli.variables import parse_variables
from euryale.cli.wording import ago, first_line
from euryale.cloud.client import PlatformClient, PlatformError, ProjectRequest
from euryale.cloud.wire.projects import EnvironmentInfo, ProjectDetail
from euryale.kit.ids import new_id
from euryale.kit.machine_time import utc_now

app = typer.Typer(no_args_is_help=True, help="Create, look at and delete projects.")

_UNKNOWN = "cloud.projects.unknown"


@app.command(epilog="Example: euryale projects create shop --source ./my-shop --var STRIPE_KEY")
def create(  # noqa: PLR0913 -- one parameter for each option
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and dashes.", show_default=False)],
    *,
    repository: Annotated[
        str | None, typer.Option(help="The address of its repository. Default: the platform's own of that name.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="A Git repository on this machine; its HEAD is pushed to the platform.")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="Production's branch. Default: the repository's default.")] = None,
    root: Annotated[str, typer.Option(help="The application's directory in the repository.")] = ".",
    var: Annotated[
        list[str] | None, typer.Option(metavar="NAME[=VALUE]", help="A variable; without a value: this shell's.")
    ] = None,
    previews: Annotated[
        bool, typer.Option("--previews/--no-previews", help="Whether other branches become previews.")
    ] = True,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Create a project: its repository becomes a hosted production environment."""
    session = session_of(context, as_json=as_json)
    if source is not None and repository is not None:
        raise UsageError("--source and --repository exclude each other.", hint="Give one of them.")
    variables = parse_variables(var or [])
    if source is not None:
        branch = _push(session, name, source, branch)
    request = ProjectRequest(name, repository, branch, root, previews, variables)

    async def start(platform: PlatformClient) -> str:
        return await platform.create_project(request, key=new_id("cli"))

    async def tell(platform: PlatformClient) -> Told:
        project = await platform.project(name)
        return Told(f"{name} is ready at {project.url}", {"project": project})

    carry_out(session, Operation(f"Creating project {name}", start, tell), wait=wait)


def _push(session: Session, name: str, source: Path, branch: str | None) -> str:
    """Push the source to the platform's own repository; return the branch that is to be production's."""
    branch = branch or read_branch(source)
    session.ask(lambda platform: _check_free(platform, name))
    if not session.as_json:
        say(f"Pushing {source} to the platform …")
    push_head(source, find_address(places(), url=session.url, token=session.token), name, branch)
    return branch


async def _check_free(platform: PlatformClient, name: str) -> None:
    """See that no project of that name would be deployed to by the push."""
    try:
        project = await platform.project(name)
    except PlatformError as error:
        if error.reported != _UNKNOWN:
            raise
        return
    if project.state != "failed":
        raise UsageError(
            f"A project called {name!r} exists; it is {project.state}.",
            hint=f"Deploy to it: euryale deploy {name}\nOr delete it first: euryale projects delete {name}",
        )


@app.command(name="list", epilog="Example: euryale projects list --json")
def list_projects(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List all projects."""
    session = session_of(context, as_json=as_json)
    found = session.ask(lambda platform: platform.projects())
    if as_json:
        print_json({"projects": found})
        return
    now = utc_now()
    rows = [[each.name, each.state, each.branch, each.repository, ago(each.created_at, now)] for each in found]
    print_table(("name", "state", "branch", "repository", "created"), rows, empty="There are no projects yet.")


@app.command(epilog="Example: euryale projects show shop")
def show(context: typer.Context, project: Project, *, as_json: AsJson = False) -> None:
    """Show a project with its environments."""
    session = session_of(context, as_json=as_json)
    found = session.ask(lambda platform: platform.project(project))
    if as_json:
        print_json({"project": found})
        return
    print_fields(_fields(found))
    if found.environments:
        say()
        print_environments(found.environments)


def _fields(project: ProjectDetail) -> list[tuple[str, str]]:
    return [
        ("name", project.name),
        ("state", project.state),
        ("reason", project.reason),
        ("url", project.url),
        ("repository", project.repository),
        ("branch", project.branch),
        ("root", "" if project.root == "." else project.root),
        ("previews", "yes" if project.previews else "no"),
        ("created", ago(project.created_at, utc_now())),
        ("execution", project.execution),
    ]


def print_environments(environments: list[EnvironmentInfo]) -> None:
    """Print a table of environments."""
    rows = [
        [
            each.name,
            each.state,
            each.branch,
            ""
            if each.live is None
            else f"#{each.live.number} {each.live.commit[:8]} {first_line(each.live.message, 40)}",
            each.url,
        ]
        for each in environments
    ]
    print_table(("environment", "state", "branch", "serves", "url"), rows, empty="There are no environments.")
    for each in environments:
        if each.reason:
            say(f"{each.name}: {each.reason}")


@app.command(epilog="Example: euryale projects delete shop --yes")
def delete(
    context: typer.Context, project: Project, *, yes: Yes = False, wait: Wait = True, as_json: AsJson = False
) -> None:
    """Delete a project with its environments, databases and builds. There is no way back."""
    session = session_of(context, as_json=as_json)
    found = session.ask(lambda platform: platform.project(project))
    what = f"{project} with {len(found.environments)} environment(s), their databases and their builds"
    confirm(f"This deletes {what}. There is no way back.", project, yes=yes)

    async def start(platform: PlatformClient) -> str:
        return await platform.delete_project(project)

    async def tell(_: PlatformClient) -> Told:
        return Told(f"{project} was deleted", {"deleted": project})

    carry_out(session, Operation(f"Deleting project {project}", start, tell), wait=wait)


def confirm(warning: str, name: str, *, yes: bool) -> None:
    """Have a person type the name of what is to be lost.

    Raises:
        UsageError: If nobody can be asked, or the name that was typed is another.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("This cannot be undone, and there is nobody to ask.", hint="Say --yes if it is meant.")
    typer.echo(warning, err=True)
    if typer.prompt("Type its name to go on", err=True).strip() != name:
        raise UsageError("That is another name; nothing was done.")
