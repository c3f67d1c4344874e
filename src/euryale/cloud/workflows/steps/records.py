"""Steps that keep the platform's own records."""

from typing import Final

from euryale.cloud.logs import LogBook
from euryale.cloud.modules.deployments import Deployment, Deployments, DeploymentState, NewDeployment
from euryale.cloud.modules.projects import (
    Environment,
    EnvironmentKind,
    EnvironmentState,
    NewProject,
    Project,
    Projects,
    ProjectState,
)
from euryale.cloud.providers.source.contract import Source
from euryale.cloud.settings import PlatformSettings
from euryale.cloud.workflows.references import (
    Checked,
    DeploymentRef,
    DeployRequest,
    EnvironmentRef,
    PreviewRequest,
    ProjectRef,
)
from euryale.cloud.workflows.steps.policy import PATIENT, QUICK, UNDO, is_cancelled, why
from euryale.framework.events import Events
from euryale.workflows import inject, step, step_context

PRODUCTION = "production"

_TIMED_OUT: Final = frozenset({"cloud.builder.timed_out", "workflows.execution_timed_out", TimeoutError.__name__})


def project_ref(project: Project) -> ProjectRef:
    """Return the reference to a project."""
    return ProjectRef(project.id, project.name, project.repository, project.branch, project.root)


def environment_ref(project: Project, environment: Environment) -> EnvironmentRef:
    """Return the reference to an environment."""
    return EnvironmentRef(
        id=environment.id,
        project=project_ref(project),
        name=environment.name,
        branch=environment.branch,
        base=environment.base,
        host=environment.host,
        production=environment.kind is EnvironmentKind.PRODUCTION,
    )


@step(retry=PATIENT, timeout=QUICK)
async def create_project_record(
    new: NewProject,
    checked: Checked,
    *,
    projects: Projects = inject(),
    deployments: Deployments = inject(),
    logs: LogBook = inject(),
) -> ProjectRef:
    """Write the project down, in the place of one of that name that has failed."""
    execution = step_context().execution
    former = await projects.find(new.name)
    if former is not None and former.state is ProjectState.FAILED and former.execution != execution:
        await logs.forget(*await deployments.forget_project(former.id))
    normal = NewProject(new.name, checked.repository, checked.branch, new.root, new.variables, new.previews)
    return project_ref(await projects.create(normal, branch=checked.branch, execution=execution))


@create_project_record.compensate(retry=UNDO, timeout=QUICK)
async def mark_failed(_: ProjectRef | None, *, new: NewProject, projects: Projects = inject()) -> None:
    """Keep the record, with the reason, unless it is being deleted."""
    project = await projects.find(new.name)
    if project is not None:
        await projects.settle(project.id, ProjectState.FAILED, execution=step_context().execution, reason=why())


@step(retry=PATIENT, timeout=QUICK)
async def mark_ready(project: ProjectRef, *, projects: Projects = inject()) -> None:
    """Say that the project is ready, unless it is being deleted."""
    await projects.settle(project.id, ProjectState.READY, execution=step_context().execution)


@step(retry=PATIENT, timeout=QUICK)
async def create_production_record(
    project: ProjectRef, *, projects: Projects = inject(), settings: PlatformSettings = inject()
) -> EnvironmentRef:
    """Write the project's production down."""
    found = await projects.by_id(project.id)
    environment = await projects.open_environment(
        project.id, project.branch, host_suffix=settings.domain, execution=step_context().execution
    )
    return environment_ref(found, environment)


@create_production_record.compensate(retry=UNDO, timeout=QUICK)
async def fail_production(_: EnvironmentRef | None, *, project: ProjectRef, projects: Projects = inject()) -> None:
    """Keep the record, with the reason."""
    environment = await projects.find_environment(project.id, PRODUCTION)
    if environment is not None:
        await projects.set_environment_state(environment.id, EnvironmentState.FAILED, reason=why())


@step(retry=PATIENT, timeout=QUICK)
async def open_preview(
    request: PreviewRequest, *, projects: Projects = inject(), settings: PlatformSettings = inject()
) -> EnvironmentRef:
    """Write the preview down, with production as what its data is copied from."""
    project = await projects.by_id(request.project)
    environment = await projects.open_environment(
        project.id,
        request.branch,
        host_suffix=settings.domain,
        execution=step_context().execution,
        base=PRODUCTION,
    )
    return environment_ref(project, environment)


@open_preview.compensate(retry=UNDO, timeout=QUICK)
async def fail_preview(
    _: EnvironmentRef | None,
    *,
    request: PreviewRequest,
    projects: Projects = inject(),
    deployments: Deployments = inject(),
    events: Events = inject(),
) -> None:
    """Keep the record, with the reason; a preview that serves an earlier deployment goes on doing so."""
    reason, execution = why(), step_context().execution
    environment = await projects.find_environment(request.project, request.place.environment)
    if environment is not None and environment.execution == execution:
        live = await deployments.live(environment.id)
        state = EnvironmentState.LIVE if live is not None else EnvironmentState.FAILED
        await projects.set_environment_state(environment.id, state, reason=reason)
    if not is_cancelled():
        data = {"project": request.place.project, "environment": request.place.environment, "reason": reason}
        await events.publish("preview.failed", data, key=f"{execution}/failed")


@step(retry=PATIENT, timeout=QUICK)
async def mark_live(environment: EnvironmentRef, *, projects: Projects = inject()) -> None:
    """Say that the environment serves."""
    await projects.set_environment_state(environment.id, EnvironmentState.LIVE)


@step(retry=PATIENT, timeout=QUICK)
async def open_deployment(
    request: DeployRequest, *, deployments: Deployments = inject(), source: Source = inject()
) -> DeploymentRef:
    """Write the deployment down, with its commit."""
    environment, context = request.environment, step_context()
    commit = await source.resolve(environment.project.repository, request.commit)
    deployment = await deployments.open(
        NewDeployment(
            project_id=environment.project.id,
            environment_id=environment.id,
            commit=commit.sha,
            message=commit.message,
            author=commit.author,
            branch=environment.branch,
            cause=request.cause,
            execution=context.execution,
            root_execution=context.root,
        )
    )
    return DeploymentRef(deployment.id, deployment.number, environment, commit.sha)


@open_deployment.compensate(retry=UNDO, timeout=QUICK)
async def end_deployment(
    _: DeploymentRef | None, *, request: DeployRequest, deployments: Deployments = inject(), events: Events = inject()
) -> None:
    """Record how it ended, and why; tell the world."""
    context = step_context()
    deployment = await deployments.by_execution(context.execution)
    if deployment is None:
        return
    reason, state = why(), final_state(deployment)
    await deployments.end(deployment.id, state, reason)
    if is_cancelled():
        return
    data = {
        "project": request.environment.project.name,
        "environment": request.environment.name,
        "deployment": deployment.id,
        "state": state.value,
        "reason": reason,
    }
    await events.publish("deployment.failed", data, key=f"{deployment.id}/failed")


def final_state(deployment: Deployment) -> DeploymentState:
    """Return, in a compensation, as what the deployment ends, or has ended in an attempt before this one."""
    failure = step_context().failure
    if deployment.state.ended and deployment.state is not DeploymentState.LIVE:
        return deployment.state
    if is_cancelled():
        return DeploymentState.CANCELED
    if failure is not None and failure.error in _TIMED_OUT:
        return DeploymentState.TIMED_OUT
    built = deployment.state in {DeploymentState.BUILT, DeploymentState.DEPLOYING, DeploymentState.LIVE}
    return DeploymentState.DEPLOY_FAILED if built else DeploymentState.BUILD_FAILED
