"""Steps that make artifacts."""

from pathlib import Path

from euryale.cloud.buildplan.plan import BuildPlan
from euryale.cloud.logs import LogBook
from euryale.cloud.modules.deployments import Deployments, DeploymentState
from euryale.cloud.modules.ledger import Family, Ledger
from euryale.cloud.providers.builder.contract import (
    Builder,
    BuildFailedError,
    BuildIntent,
    BuildLostError,
    BuildTimedOutError,
)
from euryale.cloud.providers.errors import GoneError
from euryale.cloud.providers.source.checkouts import Checkouts
from euryale.cloud.providers.source.contract import Source
from euryale.cloud.settings import PlatformSettings
from euryale.cloud.workflows.references import DeploymentRef, ProjectRef
from euryale.cloud.workflows.steps.policy import PATIENT, QUICK, SLOW, UNDO
from euryale.workflows import inject, step, step_context


@step(retry=PATIENT, timeout=QUICK)
async def create_pipeline(project: ProjectRef, *, builder: Builder = inject(), ledger: Ledger = inject()) -> None:
    """Make room for the project's builds."""
    await ledger.adopt(Family.BUILDER, project.name, project=project.name, execution=step_context().execution)
    await builder.create_pipeline(project.name)


@create_pipeline.compensate(retry=UNDO, timeout=SLOW)
async def delete_pipeline(
    _: None, *, project: ProjectRef, builder: Builder = inject(), ledger: Ledger = inject()
) -> None:
    """Delete it, if this execution made it."""
    if await ledger.made_by(Family.BUILDER, project.name, step_context().execution):
        await builder.destroy_pipeline(project.name)
        await ledger.forget(Family.BUILDER, project.name)


@step(retry=PATIENT)
async def build_artifact(  # noqa: PLR0913 -- what is built, and who takes part in it
    deployment: DeploymentRef,
    plan: BuildPlan,
    *,
    builder: Builder = inject(),
    source: Source = inject(),
    checkouts: Checkouts = inject(),
    deployments: Deployments = inject(),
    ledger: Ledger = inject(),
    settings: PlatformSettings = inject(),
) -> Path:
    """Build the commit; a build that an earlier attempt began is found again, running or finished."""
    pipeline = deployment.place.project
    await _disown(deployment, builder, ledger)
    if not await _is_known(builder, pipeline, deployment.build):
        await _intend(deployment, ledger)
        checkout = checkouts.path(_checkout_name(deployment))
        await source.checkout(deployment.environment.project.repository, deployment.commit, checkout)
        snapshot = await deployments.snapshot(deployment.id)
        intent = BuildIntent(pipeline, deployment.build, checkout, plan, snapshot.build, settings.build_timeout)
        await builder.start(intent)
    await _clear(deployment, checkouts, ledger)
    await deployments.move(deployment.id, DeploymentState.BUILDING)
    status = await builder.wait(pipeline, deployment.build)
    if status.state == "succeeded" and status.artifact is not None:
        await deployments.describe(deployment.id, artifact=str(status.artifact))
        await deployments.move(deployment.id, DeploymentState.BUILT)
        return status.artifact
    raise BuildTimedOutError(status.reason) if status.state == "timed_out" else BuildFailedError(status.reason)


async def _disown(deployment: DeploymentRef, builder: Builder, ledger: Ledger) -> None:
    """Delete a build of the same name that another execution could not undo: it is of another commit."""
    maker = await ledger.maker(Family.BUILDER, deployment.built)
    if maker not in {None, step_context().execution}:
        await builder.destroy(deployment.place.project, deployment.build)
        await ledger.forget(Family.BUILDER, deployment.built)


async def _is_known(builder: Builder, pipeline: str, build: str) -> bool:
    """Return whether the build is under way or done; one that was lost is begun again."""
    try:
        await builder.poll(pipeline, build)
    except (GoneError, BuildLostError):
        return False
    return True


def _checkout_name(deployment: DeploymentRef) -> str:
    return deployment.built.replace("/", "--")


async def _intend(deployment: DeploymentRef, ledger: Ledger) -> None:
    execution, project = step_context().execution, deployment.place.project
    names = ((Family.CHECKOUT, _checkout_name(deployment)), (Family.BUILDER, deployment.built))
    for family, name in names:
        await ledger.adopt(family, name, project=project, environment=deployment.environment.id, execution=execution)


async def _clear(deployment: DeploymentRef, checkouts: Checkouts, ledger: Ledger) -> None:
    name = _checkout_name(deployment)
    await checkouts.remove(name)
    await ledger.forget(Family.CHECKOUT, name)


@build_artifact.compensate(retry=UNDO, timeout=SLOW)
async def discard_build(
    _: Path | None,
    *,
    deployment: DeploymentRef,
    builder: Builder = inject(),
    checkouts: Checkouts = inject(),
    ledger: Ledger = inject(),
    logs: LogBook = inject(),
) -> None:
    """End the build if it runs and delete what it made; its log is kept with the deployment."""
    if await ledger.made_by(Family.BUILDER, deployment.built, step_context().execution):
        await logs.keep(deployment.id, builder.log(deployment.place.project, deployment.build))
        await builder.destroy(deployment.place.project, deployment.build)
        await ledger.forget(Family.BUILDER, deployment.built)
    if await ledger.made_by(Family.CHECKOUT, _checkout_name(deployment), step_context().execution):
        await _clear(deployment, checkouts, ledger)
