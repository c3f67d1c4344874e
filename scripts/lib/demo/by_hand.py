"""The same work without the platform: the commands that a person would type, one after the other, on cold caches."""

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.failures import DemoError
from demo.processes import end_group
from demo.repository import Repository
from demo.site import Site
from demo.stories import Story
from demo.terminal import Stopwatch
from demo.waiting import NotYet, Seen, wait_for
from euryale.cloud.buildplan.detect import plan as plan_build
from euryale.cloud.buildplan.files import RepositoryFiles
from euryale.cloud.buildplan.plan import BuildPlan, Command
from euryale.cloud.host.own_wheel import own_wheel
from euryale.cloud.host.ports import free_port
from euryale.cloud.host.spreading import make_apart
from euryale.cloud.host.toolchains import Toolchains
from euryale.cloud.providers.builder.process.environment import Writable, build_environment, install_environment
from euryale.cloud.providers.database.postgres import PostgresClusters

BY_HAND: Final = "by hand: install, build, migrate, start"

_PORTS: Final = range(7900, 8000)
_COMMAND_WITHIN: Final = 1800
_PASSABLE: Final = 0o711  # for the account of the database


@dataclass(frozen=True, slots=True)
class Bench:
    """Where all of it is done.

    Attributes:
        directory: Holds a directory for each time that it is done.
        data: The platform's, whose toolchains are used.
        log: What the commands print.
    """

    directory: Path
    data: Path
    log: Path

    def make_place(self) -> Path:
        """Return a new, empty directory."""
        place = self.directory / secrets.token_hex(4)
        make_apart(place)
        place.chmod(_PASSABLE)
        return place


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where it is done once.

    Attributes:
        work: A clone of the repository.
        log: What the commands print.
        env: The environment of the commands.
    """

    work: Path
    log: Path
    env: dict[str, str]


@contextmanager
def set_up_bench(data: Path) -> Iterator[Bench]:
    """Give a bench beside the platform's data; its log is beside it, and stays.

    Nothing on it is deleted before the end: for minutes a file system may avoid what was just freed, which would slow
    down whoever is measured next.
    """
    directory = data.with_name("by-hand")
    directory.mkdir()
    directory.chmod(_PASSABLE)
    try:
        yield Bench(directory, data, directory.with_suffix(".log"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def rehearse(story: Story, bench: Bench) -> None:
    """Install once, untimed: so neither side is the first to start the toolchain and to ask the registry.

    Raises:
        DemoError: If it fails.
    """
    build, shop = _prepare(story, bench, bench.make_place(), url="")
    _install(shop, build, bench.data)


def measure(story: Story, bench: Bench, watch: Stopwatch) -> None:
    """Do it, and note how long all of it takes, and each part. Toolchain and database are there before the clock runs.

    Raises:
        DemoError: If a command fails.
    """
    place = bench.make_place()
    clusters = PostgresClusters(place / "database", ports=_PORTS)
    try:
        url = asyncio.run(_make_database(clusters))
        build, shop = _prepare(story, bench, place, url=url)
        with ExitStack() as stack, watch.lap(BY_HAND):
            with watch.lap("  install"):
                _install(shop, build, bench.data)
            with watch.lap("  build"):
                _run_all(shop, (*build.build, *build.package))
            with watch.lap("  migrate"):
                _run_all(shop, build.predeploy)
            with watch.lap("  start"):
                _start(shop, build, stack)
    finally:
        asyncio.run(clusters.destroy_project("hand"))


def _prepare(story: Story, bench: Bench, place: Path, *, url: str) -> tuple[BuildPlan, Workshop]:
    work = place / "work"
    Repository.of_example(story.name, work)
    build = plan_build(_files_of(work))
    env = _environment(story, build, place, bench.data, url)
    return build, Workshop(work, bench.log, env)


async def _make_database(clusters: PostgresClusters) -> str:
    await clusters.create_project("hand")
    return (await clusters.create_branch("hand", "production")).url.reveal()


def _files_of(work: Path) -> RepositoryFiles:
    files = [path for path in work.rglob("*") if path.is_file() and ".git" not in path.relative_to(work).parts]
    contents = {path.relative_to(work).as_posix(): path.read_bytes() for path in files}
    return RepositoryFiles({name: len(content) for name, content in contents.items()}, contents)


def _environment(story: Story, build: BuildPlan, directory: Path, data: Path, url: str) -> dict[str, str]:
    path = asyncio.run(_toolchain(Toolchains(data), build))
    writable = Writable(home=directory / "home", downloads=directory / "npm", temporary=directory / "tmp")
    for each in (writable.home, writable.downloads, writable.temporary):
        each.mkdir()
    made = {name: secrets.token_hex(32) for name in build.secrets}
    return build_environment(
        operator=os.environ,
        plan=dict(build.env),
        user={**made, **story.variables(), "DATABASE_URL": url, "PORT": str(free_port(_PORTS)), "HOST": "127.0.0.1"},
        path=path,
        writable=writable,
    )


async def _toolchain(toolchains: Toolchains, build: BuildPlan) -> tuple[Path, ...]:
    manager = build.package_manager
    node = build.runtime_version if build.language == "node" else None
    programs = await toolchains.package_manager_entries(manager.name, manager.version, node)
    return (*programs, *await toolchains.path_entries(build.language, build.runtime_version))


def _install(shop: Workshop, build: BuildPlan, data: Path) -> None:
    for command in build.install:
        _run(shop, command, install_environment(shop.env))
    if build.provides:
        wheel = own_wheel(data / "builds" / "wheels")
        line = f"uv pip install --python {build.venv}/bin/python 'euryale[framework] @ {wheel.as_uri()}'"
        _run(shop, Command("install", line))


def _run_all(shop: Workshop, commands: Sequence[Command]) -> None:
    for command in commands:
        _run(shop, command)


def _run(shop: Workshop, command: Command, env: dict[str, str] | None = None) -> None:
    process = _begin(shop, command, env or shop.env)

    def ended() -> Seen[int] | NotYet:
        code = process.poll()
        return NotYet() if code is None else Seen(code)

    try:
        code = wait_for(f"by hand: {command.phase}", ended, within=_COMMAND_WITHIN, log=shop.log, every=0.02)
    finally:
        end_group(process)
    if code != 0:
        raise DemoError(f"by hand: `{command.line}` ended with {code}", log=shop.log)


def _start(shop: Workshop, build: BuildPlan, stack: ExitStack) -> None:
    web = next(process for process in build.processes if process.name == "web")
    process = _begin(shop, web.command, {**shop.env, **dict(web.env)})
    stack.callback(end_group, process)
    site = Site(f"http://127.0.0.1:{shop.env['PORT']}")
    stack.callback(site.close)

    def healthy() -> Seen[None] | NotYet:
        if process.poll() is not None:
            raise DemoError(f"by hand: the application ended with {process.returncode}", log=shop.log)
        return Seen(None) if site.status(build.health.path) == 200 else NotYet()  # noqa: PLR2004 -- HTTP's "OK"

    wait_for("by hand: start", healthy, within=build.health.timeout, log=shop.log)


def _begin(shop: Workshop, command: Command, env: dict[str, str]) -> "subprocess.Popen[bytes]":
    with shop.log.open("ab") as log:
        log.write(f"==> {command.phase}: {command.line}\n".encode())
        log.flush()
        return subprocess.Popen(  # noqa: S603 -- the plan's own lines, as a person would type them
            ["/bin/sh", "-c", command.line],
            cwd=shop.work / command.directory,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
