"""What a build plan says. Values only."""

from dataclasses import dataclass, field
from typing import Literal

Language = Literal["node", "python"]
PackageManagerName = Literal["npm", "yarn1", "yarn-berry", "pnpm", "uv", "pip"]
Preset = Literal["medusa", "euryale", "node", "python"]


@dataclass(frozen=True, slots=True)
class Command:
    """One shell line of a plan.

    Attributes:
        phase: What it belongs to; names the section of the log.
        line: The line for ``/bin/sh -c``. Never holds anything from the repository that was not quoted.
        directory: Where it runs, relative to the work directory; "." is the repository's top.
    """

    phase: Literal["install", "build", "package", "predeploy", "start"]
    line: str
    directory: str = "."


@dataclass(frozen=True, slots=True)
class PackageManager:
    """Who installs the dependencies.

    Attributes:
        name: Its name; the two yarns are two managers.
        version: The exact version to install, or None when there is nothing to install: npm, uv and pip come with the
            runtime, a vendored yarn with the repository.
        source: The file, and field if any, that decided; for the log and for errors.
    """

    name: PackageManagerName
    version: str | None
    source: str


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How to see that a process is ready.

    Attributes:
        path: The path that answers with a status below 400 when ready.
        timeout: Seconds it may take from the start.
    """

    path: str = "/"
    timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class Process:
    """A kind of process that the application runs.

    Attributes:
        name: ``web`` gets the requests; any other name is a worker.
        command: What starts it; reads its port from ``PORT``.
        env: Variables of this kind of process alone.
    """

    name: str
    command: Command
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """How to get from a repository's commit to running processes.

    Directories are relative to the work directory, which holds a checkout of the whole repository.

    Attributes:
        preset: The rules that were applied.
        language: Which runtime it needs.
        runtime_version: The runtime's version: a Node major ("20", "22", "24"), or a Python minor ("3.11").
        runtime_source: The file, and field if any, that decided the version.
        package_manager: Who installs.
        root: The application's directory.
        install: Commands that fetch the dependencies, development ones included, whatever ``NODE_ENV`` says.
        build: Commands that make the artifact from the source.
        package: Commands that make the artifact able to run alone (production dependencies).
        predeploy: Commands that run once per deployment, before the switch, with the runtime variables.
        processes: What to run; exactly one is called ``web``.
        artifact: The directory that is kept and from which everything is run.
        must_exist: Files that the build must have made, relative to the work directory.
        health: How to see that ``web`` is ready.
        install_key_files: Files whose contents, with runtime and manager, decide what ``install`` makes. Empty when
            it depends on more than can be named (a script run by the install, a package by path): it is not to be
            reused then.
        install_outputs: What ``install`` makes, to be kept and put back for the same key; some may not come to be.
        env: Variables that the preset sets for build and run alike (overridden by the user's own).
        secrets: Names of variables that are generated once per environment unless the user sets them.
        notes: What a person should know about the choices made, for the top of the log.
        venv: The virtual environment that ``install`` makes; empty when there is none.
        provides: Distributions that the platform itself puts into ``venv`` right after ``install``, from its own files:
            the lockfile does not name them. Only ``euryale`` occurs. What they need and the lockfile did not bring
            comes with them.
    """

    preset: Preset
    language: Language
    runtime_version: str
    runtime_source: str
    package_manager: PackageManager
    root: str
    install: tuple[Command, ...]
    build: tuple[Command, ...]
    package: tuple[Command, ...]
    predeploy: tuple[Command, ...]
    processes: tuple[Process, ...]
    artifact: str
    must_exist: tuple[str, ...] = ()
    health: HealthCheck = field(default_factory=HealthCheck)
    install_key_files: tuple[str, ...] = ()
    install_outputs: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    venv: str = ""
    provides: tuple[str, ...] = ()
