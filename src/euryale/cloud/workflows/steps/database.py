"""Steps that make and unmake databases."""

from euryale.cloud.modules.deployments import Deployments
from euryale.cloud.modules.ledger import Family, Ledger
from euryale.cloud.providers.database.contract import Database as Databases
from euryale.cloud.workflows.references import DeploymentRef, ProjectRef
from euryale.cloud.workflows.steps.intentions import intend_for
from euryale.cloud.workflows.steps.policy import PATIENT, SLOW, UNDO
from euryale.workflows import inject, step, step_context


@step(retry=PATIENT, timeout=SLOW)
async def create_database(
    project: ProjectRef, environment: str, *, databases: Databases = inject(), ledger: Ledger = inject()
) -> None:
    """Make the project's database, with the branch of its production."""
    execution = step_context().execution
    await ledger.adopt(Family.DATABASE, project.name, project=project.name, execution=execution)
    await databases.create_project(project.name)
    branch = f"{project.name}/{environment}"
    await ledger.adopt(Family.DATABASE, branch, project=project.name, execution=execution)
    await databases.create_branch(project.name, environment)


@create_database.compensate(retry=UNDO, timeout=SLOW)
async def delete_database(
    _: None, *, project: ProjectRef, databases: Databases = inject(), ledger: Ledger = inject()
) -> None:
    """Delete the database project, if this execution made it."""
    if await ledger.made_by(Family.DATABASE, project.name, step_context().execution):
        await databases.destroy_project(project.name)
        await ledger.forget(Family.DATABASE, project.name)


@step(retry=PATIENT, timeout=SLOW)
async def ensure_database(
    deployment: DeploymentRef,
    *,
    databases: Databases = inject(),
    ledger: Ledger = inject(),
    deployments: Deployments = inject(),
) -> None:
    """See that the environment has its database: for a new preview a copy of its base's."""
    place, environment = deployment.place, deployment.environment
    await intend_for(environment, Family.DATABASE, place.database, ledger=ledger, deployments=deployments)
    await databases.create_branch(place.project, place.environment, base=environment.base or None)


@ensure_database.compensate(retry=UNDO, timeout=SLOW)
async def drop_database(
    _: None, *, deployment: DeploymentRef, databases: Databases = inject(), ledger: Ledger = inject()
) -> None:
    """Delete the environment's database, if this deployment made it."""
    place = deployment.place
    if await ledger.made_by(Family.DATABASE, place.database, step_context().execution):
        await databases.destroy_branch(place.project, place.environment)
        await ledger.forget(Family.DATABASE, place.database)
