"""remove-preview: nothing of it is left."""

from euryale.cloud.workflows.references import RemoveRequest
from euryale.cloud.workflows.steps.removal import (
    claim_environment,
    delete_branch,
    delete_builds,
    forget_environment,
    stop_app,
    take_down_route,
)
from euryale.cloud.workflows.steps.turn import take_turn
from euryale.workflows import emit, parallelize, workflow


@workflow("remove-preview", version=1, retention=30 * 24 * 3600)
def remove_preview(request: RemoveRequest) -> None:
    """Take its address, its processes, its database, its artifacts and its records away."""
    take_turn(request.place)
    environment = claim_environment(request)
    take_down_route(environment.place)
    stop_app(environment.place)
    parallelize(delete_branch(environment.place), delete_builds(environment))
    forget_environment(environment, request.cause)
    emit(
        "preview.removed",
        {"project": environment.project.name, "environment": environment.name, "cause": request.cause},
    )
