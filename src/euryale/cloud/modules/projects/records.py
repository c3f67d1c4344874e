"""What this module gives out: values, detached from its tables."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from euryale.kit.secret import Secret


class ProjectState(StrEnum):
    """Where a project stands."""

    CREATING = "creating"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


class EnvironmentKind(StrEnum):
    """What an environment is for."""

    PRODUCTION = "production"
    PREVIEW = "preview"


class EnvironmentState(StrEnum):
    """Where an environment stands."""

    CREATING = "creating"
    LIVE = "live"
    FAILED = "failed"
    REMOVING = "removing"


class Scope(StrEnum):
    """Who sees a variable."""

    BUILD = "build"
    RUNTIME = "runtime"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a project or, generated, of one environment.

    Attributes:
        name: Its name, as the application reads it.
        value: Its value.
        scope: Who sees it.
    """

    name: str
    value: Secret
    scope: Scope = Scope.BOTH


@dataclass(frozen=True, slots=True)
class NewProject:
    """What a project is created from.

    Attributes:
        name: Its handle.
        repository: The address of its repository, as the source understands it.
        branch: Its production's branch; empty: the repository's default branch.
        root: The application's directory in the repository.
        variables: Variables of all of its environments.
        previews: Whether every other branch becomes a preview.
    """

    name: str
    repository: str
    branch: str = ""
    root: str = "."
    variables: tuple[Variable, ...] = ()
    previews: bool = True


@dataclass(frozen=True, slots=True)
class Project:
    """A project.

    Attributes:
        id: Its id.
        name: Its handle, unique.
        repository: The address of its repository.
        branch: Its production's branch.
        root: The application's directory in the repository.
        previews: Whether every other branch becomes a preview.
        state: Where it stands.
        reason: Why it failed, for a person; else empty.
        execution: The workflow execution that last worked on it as a whole.
        created_at: When it was created.
    """

    id: str
    name: str
    repository: str
    branch: str
    root: str
    previews: bool
    state: ProjectState
    reason: str
    execution: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of a project.

    Attributes:
        id: Its id.
        project_id: Whose it is.
        name: Its handle, unique in the project: ``production``, or made of its branch.
        kind: What it is for.
        branch: The branch it follows.
        base: The environment whose data it started with, or an empty string.
        host: The host name under which it is reached.
        state: Where it stands.
        reason: Why it failed, for a person; else empty.
        execution: The workflow execution that last worked on it.
        created_at: When it was created.
        secrets: Variables generated for it alone.
    """

    id: str
    project_id: str
    name: str
    kind: EnvironmentKind
    branch: str
    base: str
    host: str
    state: EnvironmentState
    reason: str
    execution: str
    created_at: datetime
    secrets: tuple[Variable, ...] = field(default=(), repr=False)
