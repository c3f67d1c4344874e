"""Projects, environments and variables on the wire."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from euryale.cloud.wire.base import Asked, Told
from euryale.cloud.wire.deployments import DeploymentInfo
from euryale.cloud.wire.names import (
    BranchName,
    ProjectName,
    RepositoryAddress,
    RootDirectory,
    VariableName,
    VariableValue,
)

VariableScope = Literal["build", "runtime", "both"]
ProjectState = Literal["creating", "ready", "failed", "deleting"]
EnvironmentKind = Literal["production", "preview"]
EnvironmentState = Literal["creating", "live", "failed", "removing"]

MOST_VARIABLES = 200
"""How many may be set or unset at once."""


class NewVariable(Asked):
    """A variable and its value."""

    name: VariableName
    value: VariableValue
    scope: VariableScope = Field(default="both", description="who sees it")


def _named_once(variables: Sequence[NewVariable]) -> Sequence[NewVariable]:
    twice = sorted(name for name, count in Counter(each.name for each in variables).items() if count > 1)
    if twice:
        raise PydanticCustomError("twice", "given twice: {names}", {"names": ", ".join(twice)})
    return variables


NewVariables = Annotated[tuple[NewVariable, ...], Field(max_length=MOST_VARIABLES), AfterValidator(_named_once)]


def _without_credentials(address: str) -> str:
    scheme, _, rest = address.partition("://")
    if scheme in {"http", "https"} and "@" in rest.partition("/")[0]:
        raise PydanticCustomError(
            "credentials", "give an address without credentials: they would be stored with the project"
        )
    return address


class CreateProject(Asked):
    """What a project is created from."""

    name: ProjectName
    repository: Annotated[RepositoryAddress, AfterValidator(_without_credentials)] | None = Field(
        default=None, description="default: the platform's own repository of the project's name, to be pushed to"
    )
    branch: BranchName | None = Field(default=None, description="production's; default: the repository's own default")
    root: RootDirectory = Field(default=".", description="the application's directory in the repository")
    previews: bool = Field(default=True, description="whether every other branch becomes a preview")
    variables: NewVariables = ()


class SetVariables(Asked):
    """Variables to add or to change."""

    variables: NewVariables


class VariableInfo(Told):
    """A variable; its value is never told."""

    name: str
    scope: VariableScope


class VariableList(Told):
    """A project's variables."""

    variables: list[VariableInfo]


class EnvironmentInfo(Told):
    """An environment."""

    name: str
    kind: EnvironmentKind
    branch: str
    base: str = Field(description="the environment whose data it started with; else empty")
    state: EnvironmentState
    reason: str = Field(description="why it failed, for a person; else empty")
    url: str
    execution: str = Field(description="the workflow execution that last worked on it as a whole")
    created_at: datetime
    live: DeploymentInfo | None = Field(description="the deployment that it serves")


class EnvironmentList(Told):
    """A project's environments, production first."""

    environments: list[EnvironmentInfo]


class ProjectInfo(Told):
    """A project."""

    id: str
    name: str
    repository: str
    branch: str
    root: str
    previews: bool
    state: ProjectState
    reason: str = Field(description="why it failed, for a person; else empty")
    execution: str = Field(description="the workflow execution that last worked on it as a whole")
    created_at: datetime


class ProjectDetail(ProjectInfo):
    """A project with its environments."""

    url: str = Field(description="where its production is reached; empty if it has none")
    environments: list[EnvironmentInfo]
