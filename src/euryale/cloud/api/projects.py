"""Projects, their environments and their variables."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query

from euryale.cloud.api.descriptions import describe_environments
from euryale.cloud.api.versioned import ANYONE_KNOWN, PREFIX
from euryale.cloud.api.views import project_detail
from euryale.cloud.modules.deployments import Deployments
from euryale.cloud.modules.projects import NewProject, Project, Projects, Scope, Variable
from euryale.cloud.providers.router.contract import Router
from euryale.cloud.wire.executions import Accepted
from euryale.cloud.wire.names import EnvironmentName, IdempotencyKey, ProjectName, VariableName
from euryale.cloud.wire.projects import (
    MOST_VARIABLES,
    CreateProject,
    EnvironmentList,
    NewVariable,
    ProjectDetail,
    ProjectInfo,
    SetVariables,
    VariableInfo,
    VariableList,
)
from euryale.cloud.workflows.operations import Operations
from euryale.framework.http import CursorError, Inject, Page, Paging, PagingQuery

router = APIRouter(prefix=f"{PREFIX}/projects", tags=["projects"], dependencies=[ANYONE_KNOWN])

Name = Annotated[ProjectName, Path(description="the project's name")]
EnvName = Annotated[EnvironmentName, Path(description="the environment's name")]
VariableNames = Annotated[
    list[VariableName], Query(alias="name", min_length=1, max_length=MOST_VARIABLES, description="which, repeated")
]
Key = Annotated[
    IdempotencyKey | None,
    Header(alias="Idempotency-Key", description="the same key joins the same creation; default: a new one"),
]


@router.post("", status_code=HTTPStatus.ACCEPTED)
async def create_project(asked: CreateProject, operations: Inject[Operations], key: Key = None) -> Accepted:
    """Create a project: its repository becomes a hosted production environment."""
    new = NewProject(
        name=asked.name,
        repository=asked.repository or f"euryale:{asked.name}",
        branch=asked.branch or "",
        root=_normal(asked.root),
        variables=tuple(map(_variable, asked.variables)),
        previews=asked.previews,
    )
    return Accepted(execution=await operations.create_project(new, key=key))


@router.get("")
async def list_projects(projects: Inject[Projects], paging: PagingQuery) -> Page[ProjectInfo]:
    """List projects by name."""
    rows = await projects.list(limit=paging.fetch, after=_after(paging))
    return Page[ProjectInfo].of(rows, paging, item=ProjectInfo.model_validate, key=_name)


@router.get("/{name}")
async def show_project(
    name: Name, projects: Inject[Projects], deployments: Inject[Deployments], routes: Inject[Router]
) -> ProjectDetail:
    """Show a project with its environments, what they serve and where they are reached."""
    project = await projects.get(name)
    return project_detail(project, await describe_environments(project, projects, deployments, routes))


@router.delete("/{name}", status_code=HTTPStatus.ACCEPTED)
async def delete_project(name: Name, operations: Inject[Operations]) -> Accepted:
    """Delete a project with its environments, databases, builds and repository on this platform."""
    return Accepted(execution=await operations.delete_project(name))


@router.get("/{name}/variables")
async def list_variables(name: Name, projects: Inject[Projects]) -> VariableList:
    """List a project's variables; their values are never told."""
    return await _variables(await projects.get(name), projects)


@router.put("/{name}/variables")
async def set_variables(name: Name, asked: SetVariables, projects: Inject[Projects]) -> VariableList:
    """Set variables of a project, those that are not named stay; the next deployments see them."""
    project = await projects.get(name)
    await projects.set_variables(project.id, [_variable(each) for each in asked.variables])
    return await _variables(project, projects)


@router.delete("/{name}/variables")
async def unset_variables(name: Name, names: VariableNames, projects: Inject[Projects]) -> VariableList:
    """Delete variables of a project, all that are named or none; the next deployments do not see them."""
    project = await projects.get(name)
    await projects.unset_variables(project.id, names)
    return await _variables(project, projects)


@router.get("/{name}/environments")
async def list_environments(
    name: Name, projects: Inject[Projects], deployments: Inject[Deployments], routes: Inject[Router]
) -> EnvironmentList:
    """List a project's environments, production first."""
    project = await projects.get(name)
    return EnvironmentList(environments=await describe_environments(project, projects, deployments, routes))


@router.delete("/{name}/environments/{environment}", status_code=HTTPStatus.ACCEPTED)
async def remove_environment(name: Name, environment: EnvName, operations: Inject[Operations]) -> Accepted:
    """Remove a preview with its database and its builds."""
    return Accepted(execution=await operations.remove_preview(name, environment))


async def _variables(project: Project, projects: Projects) -> VariableList:
    found = await projects.variables(project.id)
    return VariableList(variables=[VariableInfo.model_validate(each) for each in found])


def _variable(new: NewVariable) -> Variable:
    return Variable(new.name, new.value, Scope(new.scope))


def _normal(root: str) -> str:
    return root.removeprefix("./").rstrip("/")


def _name(project: Project) -> str:
    return project.name


def _after(paging: Paging) -> str:
    match paging.after:
        case ():
            return ""
        case (str(name),):
            return name
        case _:
            raise CursorError
