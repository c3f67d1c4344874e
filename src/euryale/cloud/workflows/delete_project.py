"""delete-project: nothing of it is left."""

from euryale.cloud.workflows.steps.removal import (
    claim_project,
    delete_artifacts,
    delete_databases,
    delete_remote,
    end_all_work,
    forget_project,
    take_down_environments,
)
from euryale.workflows import emit, parallelize, workflow


@workflow("delete-project", version=1, retention=30 * 24 * 3600)
def delete_project(project_id: str) -> None:
    """Take all environments, databases, artifacts, the remote and the records away."""
    project = claim_project(project_id)
    end_all_work(project)
    take_down_environments(project)
    parallelize(delete_databases(project), delete_artifacts(project), delete_remote(project))
    forget_project(project)
    emit("project.deleted", {"project": project.name, "project_id": project.id})
