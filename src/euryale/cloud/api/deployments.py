"""Deployments."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from euryale.cloud.api.versioned import ANYONE_KNOWN, PREFIX
from euryale.cloud.api.views import deployment_detail
from euryale.cloud.modules.deployments import Deployment, Deployments
from euryale.cloud.modules.projects import Projects
from euryale.cloud.wire.deployments import CreateDeployment, DeploymentDetail, DeploymentInfo
from euryale.cloud.wire.executions import Accepted
from euryale.cloud.wire.names import DeploymentId, EnvironmentName, ProjectName
from euryale.cloud.workflows.operations import Operations
from euryale.framework.http import CursorError, Inject, Page, Paging, PagingQuery

router = APIRouter(prefix=PREFIX, tags=["deployments"], dependencies=[ANYONE_KNOWN])

Name = Annotated[ProjectName, Path(description="the project's name")]
Id = Annotated[DeploymentId, Path(description="the deployment's id")]
OfEnvironment = Annotated[EnvironmentName | None, Query(description="only of this environment")]


@router.post("/projects/{name}/deployments", status_code=HTTPStatus.ACCEPTED)
async def create_deployment(name: Name, asked: CreateDeployment, operations: Inject[Operations]) -> Accepted:
    """Deploy a branch's head or a commit; what is under way for that branch is ended first."""
    return Accepted(execution=await operations.deploy(name, branch=asked.branch or "", ref=asked.ref or ""))


@router.get("/projects/{name}/deployments")
async def list_deployments(
    name: Name,
    projects: Inject[Projects],
    deployments: Inject[Deployments],
    paging: PagingQuery,
    environment: OfEnvironment = None,
) -> Page[DeploymentInfo]:
    """List a project's deployments, newest first."""
    project = await projects.get(name)
    of = None if environment is None else (await projects.environment(project.id, environment)).id
    rows = await deployments.list(project_id=project.id, environment_id=of, limit=paging.fetch, before=_before(paging))
    return Page[DeploymentInfo].of(rows, paging, item=DeploymentInfo.model_validate, key=_id)


@router.get("/deployments/{deployment_id}")
async def show_deployment(
    deployment_id: Id, deployments: Inject[Deployments], projects: Inject[Projects]
) -> DeploymentDetail:
    """Show a deployment with its changes of state."""
    deployment = await deployments.get(deployment_id)
    project = await projects.by_id(deployment.project_id)
    environment = await projects.environment_by_id(deployment.environment_id)
    return deployment_detail(deployment, project=project.name, environment=environment.name)


def _id(deployment: Deployment) -> str:
    return deployment.id


def _before(paging: Paging) -> str:
    match paging.after:
        case ():
            return ""
        case (str(deployment_id),):
            return deployment_id
        case _:
            raise CursorError
