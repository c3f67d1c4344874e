"""The platform's records as they are told. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from euryale.cloud.modules.deployments import Deployment
from euryale.cloud.modules.projects import Environment, Project
from euryale.cloud.wire.deployments import DeploymentDetail, DeploymentInfo, TransitionInfo
from euryale.cloud.wire.executions import (
    ExecutionDetail,
    ExecutionEventInfo,
    ExecutionInfo,
    FailureInfo,
    OriginInfo,
    StepInfo,
)
from euryale.cloud.wire.projects import EnvironmentInfo, ProjectDetail, ProjectInfo
from euryale.workflows import ExecutionEvent, ExecutionView, StepView
from euryale.workflows.handle import moment
from euryale.workflows.runtime.nesting import child_execution_id

CHILD: Final = "child"
_COPIED: Final = ("id", "workflow", "version", "status", "reason", "created_at", "finished_at", "stranded")


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """What is told of an execution besides what the engine sees.

    Attributes:
        children: The ids of the executions that exist and were called by it.
        attempts: How many attempts each of its steps is given, by the step's id.
        deployment: The id of the deployment that it makes, or an empty string.
    """

    children: frozenset[str] = frozenset()
    attempts: Mapping[str, int] = field(default_factory=dict)
    deployment: str = ""


def project_detail(project: Project, environments: Iterable[EnvironmentInfo]) -> ProjectDetail:
    """Return a project as it is told by itself."""
    listed = list(environments)
    url = next((each.url for each in listed if each.kind == "production"), "")
    return ProjectDetail(**ProjectInfo.model_validate(project).model_dump(), url=url, environments=listed)


def environment_info(environment: Environment, *, url: str, live: Deployment | None) -> EnvironmentInfo:
    """Return an environment as it is told."""
    return EnvironmentInfo(
        name=environment.name,
        kind=environment.kind.value,
        branch=environment.branch,
        base=environment.base,
        state=environment.state.value,
        reason=environment.reason,
        url=url,
        execution=environment.execution,
        created_at=environment.created_at,
        live=None if live is None else DeploymentInfo.model_validate(live),
    )


def deployment_detail(deployment: Deployment, *, project: str, environment: str) -> DeploymentDetail:
    """Return a deployment as it is told by itself."""
    return DeploymentDetail(
        **DeploymentInfo.model_validate(deployment).model_dump(),
        project=project,
        environment=environment,
        transitions=[TransitionInfo.model_validate(each) for each in deployment.transitions],
    )


def execution_info(view: ExecutionView) -> ExecutionInfo:
    """Return an execution as it is told in a list."""
    copied = {name: getattr(view, name) for name in _COPIED}
    error = None
    if view.error is not None:
        found = view.error
        error = FailureInfo(
            code=found.error, message=found.message, hint=found.hint, step=found.step, where=found.where
        )
    return ExecutionInfo(**copied, parent=view.parent_id, error=error)


def execution_detail(view: ExecutionView, context: ExecutionContext) -> ExecutionDetail:
    """Return an execution as it is told by itself."""
    return ExecutionDetail(
        **execution_info(view).model_dump(),
        steps=[_step_info(view.id, step, context) for step in view.steps],
        deployment=context.deployment,
        seq=view.seq,
        origin=_origin_info(view),
    )


def _origin_info(view: ExecutionView) -> OriginInfo | None:
    return None if view.origin is None else OriginInfo(execution=view.origin.execution, step=view.origin.step)


def _step_info(execution: str, step: StepView, context: ExecutionContext) -> StepInfo:
    child = child_of(execution, step.id)
    return StepInfo(
        id=step.id,
        kind=step.kind,
        state=step.state.value,
        undo_state=step.undo_state.value,
        attempts=step.attempts,
        undo_attempts=step.undo_attempts,
        max_attempts=context.attempts.get(step.id, 0),
        started=step.started,
        ended=step.ended,
        due=step.due,
        error=step.error,
        child=child if step.kind == CHILD and child in context.children else "",
    )


def child_of(execution: str, step: str) -> str:
    """Return the id of the execution that a step of another calls, as the engine makes it."""
    return child_execution_id(execution, step)


def event_info(event: ExecutionEvent, *, parent: str) -> ExecutionEventInfo:
    """Return an event as it is told."""
    return ExecutionEventInfo(
        execution=event.execution,
        parent=parent,
        name=event.name,
        at=moment(event.at),
        seq=event.seq,
        step=event.step,
        attempt=event.attempt,
        started=moment(event.started),
        due=moment(event.due),
        error=event.error,
        status=None if event.status is None else event.status.value,
    )
