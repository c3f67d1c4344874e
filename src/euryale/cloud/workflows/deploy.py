"""deploy: a commit becomes the environment's live deployment, or nothing changes."""

from euryale.cloud.workflows.references import DeploymentRef, DeployRequest
from euryale.cloud.workflows.steps.build import build_artifact
from euryale.cloud.workflows.steps.database import ensure_database
from euryale.cloud.workflows.steps.records import mark_live, open_deployment
from euryale.cloud.workflows.steps.release import (
    await_health,
    go_live,
    resolve_variables,
    run_release,
    start_instances,
    switch_route,
)
from euryale.cloud.workflows.steps.source import determine_build_plan
from euryale.cloud.workflows.steps.turn import take_turn
from euryale.workflows import emit, parallelize, workflow


@workflow("deploy", version=1, timeout=2 * 3600, retention=30 * 24 * 3600)
def deploy(request: DeployRequest) -> DeploymentRef:
    """Build the commit, migrate the database, start beside the old, switch; the old stops when this is for good."""
    take_turn(request.environment.place)
    deployment = open_deployment(request)
    project = request.environment.project
    plan = determine_build_plan(project.repository, deployment.commit, project.root)
    resolve_variables(deployment, plan)
    artifact, _ = parallelize(build_artifact(deployment, plan), ensure_database(deployment))
    run_release(deployment, plan, artifact)
    address = start_instances(deployment, plan, artifact)
    await_health(deployment, plan)
    switch_route(deployment, address)
    go_live(deployment)
    mark_live(request.environment)
    emit(
        "deployment.live",
        {
            "project": project.name,
            "environment": request.environment.name,
            "deployment": deployment.id,
            "commit": deployment.commit,
        },
    )
    return deployment
