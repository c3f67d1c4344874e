"""create-project: a repository becomes a hosted production environment, or nothing is left but the reason."""

from euryale.cloud.modules.projects import NewProject
from euryale.cloud.workflows.deploy import deploy
from euryale.cloud.workflows.references import DeployRequest, ProjectRef
from euryale.cloud.workflows.steps.build import create_pipeline
from euryale.cloud.workflows.steps.database import create_database
from euryale.cloud.workflows.steps.records import (
    PRODUCTION,
    create_production_record,
    create_project_record,
    mark_ready,
)
from euryale.cloud.workflows.steps.release import provide_route
from euryale.cloud.workflows.steps.source import determine_build_plan, validate_repository
from euryale.workflows import emit, parallelize, workflow


@workflow("create-project", version=1, timeout=3 * 3600, retention=30 * 24 * 3600)
def create_project(new: NewProject) -> ProjectRef:
    """Check the repository, decide how it is built, provision, deploy production, tell."""
    checked = validate_repository(new)
    determine_build_plan(checked.repository, checked.commit, new.root)
    project = create_project_record(new, checked)
    production = create_production_record(project)
    parallelize(provide_route(production), create_pipeline(project), create_database(project, PRODUCTION))
    deploy(DeployRequest(production, checked.commit, "created"))
    mark_ready(project)
    emit("project.created", {"project": project.name, "project_id": project.id, "host": production.host})
    return project
