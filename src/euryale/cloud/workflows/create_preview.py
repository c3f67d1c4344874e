"""create-preview: a branch becomes an environment of its own, with a copy of production's data."""

from euryale.cloud.workflows.deploy import deploy
from euryale.cloud.workflows.references import DeployRequest, EnvironmentRef, PreviewRequest
from euryale.cloud.workflows.steps.records import open_preview
from euryale.cloud.workflows.steps.release import provide_route
from euryale.cloud.workflows.steps.turn import take_turn
from euryale.workflows import emit, workflow


@workflow("create-preview", version=1, timeout=3 * 3600, retention=30 * 24 * 3600)
def create_preview(request: PreviewRequest) -> EnvironmentRef:
    """Make the preview of a branch, or bring it to a newer commit."""
    take_turn(request.place)
    environment = open_preview(request)
    provide_route(environment)
    deploy(DeployRequest(environment, request.commit, request.cause))
    emit(
        "preview.live",
        {"project": environment.project.name, "environment": environment.name, "host": environment.host},
    )
    return environment
