"""What this module gives out: values, detached from its tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from euryale.kit.secret import Secret

CHOSEN: Final = "chosen"
"""The cause of a deployment of a commit that a person chose, which is not the head of its branch."""


class DeploymentState(StrEnum):
    """Where a deployment stands."""

    CREATED = "created"
    BUILDING = "building"
    BUILT = "built"
    DEPLOYING = "deploying"
    LIVE = "live"
    SUPERSEDED = "superseded"
    BUILD_FAILED = "build_failed"
    DEPLOY_FAILED = "deploy_failed"
    TIMED_OUT = "timed_out"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it by itself; a live one only becomes superseded."""
        return self not in _UNDER_WAY


_UNDER_WAY = frozenset(
    {DeploymentState.CREATED, DeploymentState.BUILDING, DeploymentState.BUILT, DeploymentState.DEPLOYING}
)


@dataclass(frozen=True, slots=True)
class NewDeployment:
    """What a deployment is made from.

    Attributes:
        project_id: The project.
        environment_id: The environment.
        commit: The commit's hash.
        message: The commit's first line.
        author: The commit's author.
        branch: The branch.
        cause: Why: ``created``, ``push``, ``manual``, ``reconciled``, or :data:`CHOSEN`.
        execution: The workflow execution that does it.
        root_execution: The outermost execution, which is cancelled when it is superseded.
    """

    project_id: str
    environment_id: str
    commit: str
    message: str
    author: str
    branch: str
    cause: str
    execution: str
    root_execution: str


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of a deployment's state.

    Attributes:
        state: The new state.
        at: When.
        cause: Why, for a person; may be empty.
    """

    state: DeploymentState
    at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment.

    Attributes:
        id: Its id.
        project_id: The project.
        environment_id: The environment.
        number: Its number in the environment, from 1.
        commit: The commit's hash.
        message: The commit's first line.
        author: The commit's author.
        branch: The branch.
        cause: Why it was made.
        state: Where it stands.
        reason: Why it did not succeed, for a person; else empty.
        warning: What went wrong after it was live, for a person; else empty.
        execution: The workflow execution that does it.
        root_execution: The outermost execution.
        artifact: The directory that was built, or an empty string.
        instance: The instance that gets its requests, or an empty string.
        address: Where that answers, or an empty string.
        created_at: When it was made.
        ended_at: When it went live or failed, or None.
        transitions: Its changes of state, oldest first; empty in a list.
    """

    id: str
    project_id: str
    environment_id: str
    number: int
    commit: str
    message: str
    author: str
    branch: str
    cause: str
    state: DeploymentState
    reason: str
    warning: str
    execution: str
    root_execution: str
    artifact: str
    instance: str
    address: str
    created_at: datetime
    ended_at: datetime | None
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a deployment is made with, decided once.

    Attributes:
        build: The variables that the build sees.
        runtime: The variables that the application sees.
        plan: The build plan, encoded.
    """

    build: Mapping[str, Secret] = field(default_factory=dict)
    runtime: Mapping[str, Secret] = field(default_factory=dict)
    plan: str = ""
