"""The platform's records as they are told. Pure."""

from collections.abc import Iterable, Mapping

from euryale.cloud.modules.deployments import Deployment
from euryale.cloud.modules.projects import Environment, Project
from euryale.cloud.wire.deployments import DeploymentDetail, DeploymentInfo, TransitionInfo
from euryale.cloud.wire.executions import (
    ExecutionDetail,
    ExecutionEventInfo,
    ExecutionInfo,
    FailureInfo,
    StepInfo,
)
from euryale.cloud.wire.projects import EnvironmentInfo, ProjectDetail, ProjectInfo
from euryale.workflows import ExecutionEvent, ExecutionView, StepView, moment


def project_info(project: Project) -> ProjectInfo:
    """Return a project as it is told in a list."""
    return ProjectInfo(**_project_fields(project))


def project_detail(project: Project, environments: Iterable[EnvironmentInfo]) -> ProjectDetail:
    """Return a project as it is told by itself."""
    listed = list(environments)
    url = next((each.url for each in listed if each.kind == "production"), "")
    return ProjectDetail(**_project_fields(project), url=url, environments=listed)
