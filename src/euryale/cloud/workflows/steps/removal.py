"""Steps that take things away. They have no compensation: what was asked to go goes, however often it takes."""

from euryale.cloud.logs import LogBook
from euryale.cloud.modules.deployments import Deployments
from euryale.cloud.modules.ledger import Family, Ledger, Resource
from euryale.cloud.modules.projects import EnvironmentState, Projects, UnknownProjectError
from euryale.cloud.providers.builder.contract import Builder
from euryale.cloud.providers.database.contract import Database as Databases
from euryale.cloud.providers.errors import ProviderError
from euryale.cloud.providers.router.contract import Router
from euryale.cloud.providers.runtime.contract import Runtime
from euryale.cloud.providers.source.checkouts import Checkouts
from euryale.cloud.providers.source.contract import Source
from euryale.cloud.providers.source.remotes import Remotes
from euryale.cloud.workflows.references import ASKED_FOR, EnvironmentRef, Place, ProjectRef, RemoveRequest
from euryale.cloud.workflows.steps.policy import RELENTLESS, SLOW
from euryale.cloud.workflows.steps.records import environment_ref, project_ref
from euryale.cloud.workflows.turns import Turns
from euryale.workflows import PermanentFailure, inject, step, step_context


@step(retry=RELENTLESS, timeout=SLOW)
async def claim_environment(request: RemoveRequest, *, projects: Projects = inject()) -> EnvironmentRef:
    """Say that the environment is being removed."""
    environment = await projects.find_environment(request.project, request.place.environment)
    if environment is None:
        raise PermanentFailure(f"There is no preview {request.place.environment} any more: nothing is to be removed.")
    await projects.set_environment_state(environment.id, EnvironmentState.REMOVING, execution=step_context().execution)
    return environment_ref(await projects.by_id(environment.project_id), environment)


@step(retry=RELENTLESS, timeout=SLOW)
async def claim_project(project_id: str, *, projects: Projects = inject()) -> ProjectRef:
    """Say that the project is being deleted: from now on nothing is started for it."""
    try:
        return project_ref(await projects.claim_for_deletion(project_id, step_context().execution))
    except UnknownProjectError as error:
        raise PermanentFailure(error.message) from error


@step(retry=RELENTLESS)
async def end_all_work(project: ProjectRef, *, turns: Turns = inject()) -> None:
    """Cancel what is under way for the project, and wait until it is undone."""
    await turns.take_all(project.name, step_context().execution)


@step(retry=RELENTLESS, timeout=SLOW)
async def take_down_route(place: Place, *, router: Router = inject(), ledger: Ledger = inject()) -> None:
    """Take the environment's address away: nobody is led to it any more."""
    await _remove_route(place, router, ledger)


async def _remove_route(place: Place, router: Router, ledger: Ledger) -> None:
    await router.remove(place.app)
    await ledger.forget(Family.ROUTER, place.app)


@step(retry=RELENTLESS, timeout=SLOW)
async def stop_app(place: Place, *, runtime: Runtime = inject(), ledger: Ledger = inject()) -> None:
    """Stop all of the environment's processes."""
    await _destroy_app(place, runtime, ledger)


async def _destroy_app(place: Place, runtime: Runtime, ledger: Ledger) -> None:
    await runtime.destroy(place.app)
    await ledger.forget(Family.RUNTIME, place.app)


@step(retry=RELENTLESS, timeout=SLOW)
async def delete_branch(place: Place, *, databases: Databases = inject(), ledger: Ledger = inject()) -> None:
    """Delete the environment's database."""
    await databases.destroy_branch(place.project, place.environment)
    await ledger.forget(Family.DATABASE, place.database)


@step(retry=RELENTLESS, timeout=SLOW)
async def delete_builds(
    environment: EnvironmentRef,
    *,
    builder: Builder = inject(),
    checkouts: Checkouts = inject(),
    ledger: Ledger = inject(),
) -> None:
    """Delete the environment's artifacts."""
    for resource in await ledger.list(environment=environment.id):
        if resource.family is Family.BUILDER:
            pipeline, _, build = resource.name.partition("/")
            await builder.destroy(pipeline, build)
            await ledger.forget(Family.BUILDER, resource.name)
        elif resource.family is Family.CHECKOUT:
            await _remove_checkout(resource, checkouts, ledger)


async def _remove_checkout(resource: Resource, checkouts: Checkouts, ledger: Ledger) -> None:
    await checkouts.remove(resource.name)
    await ledger.forget(Family.CHECKOUT, resource.name)


@step(retry=RELENTLESS, timeout=SLOW)
async def forget_environment(
    environment: EnvironmentRef,
    cause: str,
    *,
    projects: Projects = inject(),
    deployments: Deployments = inject(),
    logs: LogBook = inject(),
    source: Source = inject(),
) -> None:
    """Delete the environment's records and logs."""
    dismissed = await _unwanted(environment, deployments, source) if cause == ASKED_FOR else ""
    await projects.delete_environment(environment.id, dismissed=dismissed)
    await logs.forget(*await deployments.forget_environment(environment.id))


async def _unwanted(environment: EnvironmentRef, deployments: Deployments, source: Source) -> str:
    """Return the commit that is not to be deployed by itself: the branch's head, as far as it is known."""
    try:
        return (await source.inspect(environment.project.repository)).branches.get(environment.branch, "")
    except ProviderError:
        newest = await deployments.newest(environment.id)
        return "" if newest is None else newest.commit


@step(retry=RELENTLESS, timeout=SLOW)
async def take_down_environments(
    project: ProjectRef,
    *,
    projects: Projects = inject(),
    router: Router = inject(),
    runtime: Runtime = inject(),
    ledger: Ledger = inject(),
) -> None:
    """Take the addresses and the processes of all of the project's environments away."""
    for environment in await projects.environments(project.id):
        place = Place(project.name, environment.name)
        await _remove_route(place, router, ledger)
        await _destroy_app(place, runtime, ledger)


@step(retry=RELENTLESS, timeout=SLOW)
async def delete_databases(project: ProjectRef, *, databases: Databases = inject(), ledger: Ledger = inject()) -> None:
    """Delete the project's databases."""
    await databases.destroy_project(project.name)
    await ledger.forget(Family.DATABASE, project.name)


@step(retry=RELENTLESS, timeout=SLOW)
async def delete_artifacts(
    project: ProjectRef,
    *,
    builder: Builder = inject(),
    checkouts: Checkouts = inject(),
    ledger: Ledger = inject(),
) -> None:
    """Delete the project's pipeline with all of its builds."""
    await builder.destroy_pipeline(project.name)
    await ledger.forget(Family.BUILDER, project.name)
    for resource in await ledger.list(project=project.name):
        if resource.family is Family.CHECKOUT:
            await _remove_checkout(resource, checkouts, ledger)


@step(retry=RELENTLESS, timeout=SLOW)
async def delete_remote(
    project: ProjectRef, *, remotes: Remotes = inject(), projects: Projects = inject(), ledger: Ledger = inject()
) -> None:
    """Delete the platform's own repository of the project, if it is made from one and no other project is."""
    users = await projects.by_repository(project.repository)
    if project.repository == remotes.address(project.name) and all(each.id == project.id for each in users):
        await remotes.delete(project.name)
        await ledger.forget(Family.SOURCE, project.name)


@step(retry=RELENTLESS, timeout=SLOW)
async def forget_project(
    project: ProjectRef,
    *,
    projects: Projects = inject(),
    deployments: Deployments = inject(),
    logs: LogBook = inject(),
) -> None:
    """Delete the project's records and logs."""
    await logs.forget(*await deployments.forget_project(project.id))
    await projects.delete(project.id)
