"""Deployments on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from euryale.cloud.wire.base import Asked, Told
from euryale.cloud.wire.names import BranchName, CommitHash

DeploymentState = Literal[
    "created",
    "building",
    "built",
    "deploying",
    "live",
    "superseded",
    "build_failed",
    "deploy_failed",
    "timed_out",
    "canceled",
]

LogKind = Literal["build", "runtime"]


class CreateDeployment(Asked):
    """What to deploy."""

    branch: BranchName | None = Field(
        default=None, description="default: production's; one without an environment becomes a preview"
    )
    ref: CommitHash | None = Field(default=None, description="a full commit hash; default: the branch's head")


class TransitionInfo(Told):
    """A change of a deployment's state."""

    state: DeploymentState
    at: datetime
    cause: str = Field(description="why, for a person; may be empty")


class DeploymentInfo(Told):
    """A deployment."""

    id: str
    number: int = Field(description="its number in the environment, from 1")
    commit: str
    message: str = Field(description="the commit's first line")
    author: str
    branch: str
    cause: str = Field(description="why it was made: created, push, manual, chosen (not the head) or reconciled")
    state: DeploymentState
    reason: str = Field(description="why it did not succeed, for a person; else empty")
    warning: str = Field(description="what went wrong after it was live; else empty")
    execution: str = Field(description="the workflow execution that does it")
    created_at: datetime
    ended_at: datetime | None = Field(description="when it went live or failed")


class DeploymentDetail(DeploymentInfo):
    """A deployment with its place and its history."""

    project: str
    environment: str
    transitions: list[TransitionInfo] = Field(description="its changes of state, oldest first")


class LogPart(Told):
    """A piece of a log that is followed."""

    text: str
    offset: int = Field(description="the byte at which the next piece begins: ask with it to go on after this one")
