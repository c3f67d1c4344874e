"""Steps that bring an artifact up: variables, migrations, instances, health, route."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from euryale.cloud.buildplan.plan import BuildPlan, Command
from euryale.cloud.modules.deployments import Deployments, DeploymentState, Snapshot
from euryale.cloud.modules.ledger import Family, Ledger
from euryale.cloud.modules.projects import Projects, Scope, Variable
from euryale.cloud.providers.database.contract import Database as Databases
from euryale.cloud.providers.errors import ProviderError
from euryale.cloud.providers.router.contract import Route, Router
from euryale.cloud.providers.runtime.contract import InstanceIntent, Runtime
from euryale.cloud.settings import PlatformSettings
from euryale.cloud.workflows.references import DeploymentRef, EnvironmentRef
from euryale.cloud.workflows.steps.policy import PATIENT, QUICK, SLOW, UNDO
from euryale.kit.secret import Secret
from euryale.workflows import StepResponse, inject, step, step_context

WEB = "web"


@step(retry=PATIENT, timeout=QUICK)
async def provide_route(environment: EnvironmentRef, *, router: Router = inject(), ledger: Ledger = inject()) -> None:
    """Give the environment its address; until something is deployed, it says so."""
    await ledger.intend(
        Family.ROUTER,
        environment.place.app,
        project=environment.project.name,
        environment=environment.id,
        execution=step_context().execution,
    )
    await router.put(Route(environment.place.app, (environment.host,)))


@provide_route.compensate(retry=UNDO, timeout=QUICK)
async def remove_route(
    _: None, *, environment: EnvironmentRef, router: Router = inject(), ledger: Ledger = inject()
) -> None:
    """Take the address away, if this execution gave it."""
    if await ledger.made_by(Family.ROUTER, environment.place.app, step_context().execution):
        await router.remove(environment.place.app)
        await ledger.forget(Family.ROUTER, environment.place.app)


@step(retry=PATIENT, timeout=QUICK)
async def resolve_variables(
    deployment: DeploymentRef,
    plan: BuildPlan,
    *,
    projects: Projects = inject(),
    deployments: Deployments = inject(),
    router: Router = inject(),
) -> None:
    """Decide once which variables the build and the application see."""
    environment = deployment.environment
    generated = await projects.generate_secrets(environment.id, plan.secrets)
    chosen = await projects.variables(environment.project.id)
    given = preset_variables(plan, router.url(environment.host).rstrip("/"))
    snapshot = Snapshot(
        build={**given, **_values(chosen, Scope.BUILD)},
        runtime={**given, **_values(generated, Scope.RUNTIME), **_values(chosen, Scope.RUNTIME)},
        plan=msgspec.json.encode(plan).decode(),
    )
    await deployments.keep_snapshot(deployment.id, snapshot)


def preset_variables(plan: BuildPlan, url: str) -> dict[str, Secret]:
    """Return what the platform sets by itself; the user's own variables win.

    Args:
        plan: Says which preset it is.
        url: Under which the environment is reached, without a slash at the end.
    """
    values = dict(plan.env)
    if plan.preset == "medusa":
        values |= {"MEDUSA_BACKEND_URL": url, "STORE_CORS": url, "ADMIN_CORS": url, "AUTH_CORS": url}
    return {name: Secret(value) for name, value in values.items()}


def _values(variables: tuple[Variable, ...], scope: Scope) -> dict[str, Secret]:
    return {each.name: each.value for each in variables if each.scope in {scope, Scope.BOTH}}


@step(retry=PATIENT, timeout=SLOW)
async def run_release(
    deployment: DeploymentRef,
    plan: BuildPlan,
    artifact: Path,
    *,
    runtime: Runtime = inject(),
    databases: Databases = inject(),
    deployments: Deployments = inject(),
    ledger: Ledger = inject(),
) -> None:
    """Run the commands that prepare the database, once, before anything new serves."""
    await deployments.move(deployment.id, DeploymentState.DEPLOYING)
    await _intend_app(deployment, ledger)
    env = await _environment(deployment, deployments, databases)
    for index, command in enumerate(plan.predeploy, start=1):
        name = deployment.place.instance(f"release{index}", deployment.number)
        await runtime.release(_intent(deployment, name, artifact, plan, command, env))


async def _intend_app(deployment: DeploymentRef, ledger: Ledger) -> None:
    place = deployment.place
    await ledger.intend(
        Family.RUNTIME,
        place.app,
        project=place.project,
        environment=deployment.environment.id,
        execution=step_context().execution,
    )


@run_release.compensate(retry=UNDO, timeout=SLOW)
async def discard_app(
    _: None, *, deployment: DeploymentRef, runtime: Runtime = inject(), ledger: Ledger = inject()
) -> None:
    """Delete the environment's place at the runtime, if this deployment made it."""
    if await ledger.made_by(Family.RUNTIME, deployment.place.app, step_context().execution):
        await runtime.destroy(deployment.place.app)
        await ledger.forget(Family.RUNTIME, deployment.place.app)


async def _environment(
    deployment: DeploymentRef, deployments: Deployments, databases: Databases
) -> Mapping[str, Secret]:
    snapshot = await deployments.snapshot(deployment.id)
    branch = await databases.connect(deployment.place.project, deployment.place.environment)
    return {"DATABASE_URL": branch.url, **snapshot.runtime}


def _intent(
    deployment: DeploymentRef,
    name: str,
    artifact: Path,
    plan: BuildPlan,
    command: Command,
    env: Mapping[str, Secret],
) -> InstanceIntent:
    return InstanceIntent(deployment.place.app, name, artifact, plan, command, env)


@step(retry=PATIENT, timeout=SLOW)
async def start_instances(
    deployment: DeploymentRef,
    plan: BuildPlan,
    artifact: Path,
    *,
    runtime: Runtime = inject(),
    databases: Databases = inject(),
    deployments: Deployments = inject(),
    ledger: Ledger = inject(),
) -> str:
    """Start the new processes beside the old ones; return where the one for requests answers."""
    env = await _environment(deployment, deployments, databases)
    address = ""
    for process in plan.processes:
        name = deployment.place.instance(process.name, deployment.number)
        await ledger.intend(
            Family.RUNTIME,
            f"{deployment.place.app}/{name}",
            project=deployment.place.project,
            environment=deployment.environment.id,
            execution=step_context().execution,
        )
        own = {key: Secret(value) for key, value in process.env}
        intent = _intent(deployment, name, artifact, plan, process.command, {**env, **own})
        instance = await runtime.start(intent)
        if process.name == WEB:
            address = instance.address
            await deployments.describe(deployment.id, instance=name, address=address)
    return address


@start_instances.compensate(retry=UNDO, timeout=SLOW)
async def stop_instances(
    _: str | None,
    *,
    deployment: DeploymentRef,
    plan: BuildPlan,
    runtime: Runtime = inject(),
    ledger: Ledger = inject(),
) -> None:
    """Stop the new processes again."""
    for process in plan.processes:
        name = deployment.place.instance(process.name, deployment.number)
        await runtime.stop(deployment.place.app, name)
        await ledger.forget(Family.RUNTIME, f"{deployment.place.app}/{name}")


@step
async def await_health(
    deployment: DeploymentRef,
    plan: BuildPlan,
    *,
    runtime: Runtime = inject(),
    settings: PlatformSettings = inject(),
) -> None:
    """Wait until the new process answers."""
    name = deployment.place.instance(WEB, deployment.number)
    timeout = settings.health_timeout or plan.health.timeout
    await runtime.ready(deployment.place.app, name, path=plan.health.path, timeout=timeout)


@step(retry=PATIENT, timeout=QUICK)
async def switch_route(
    deployment: DeploymentRef,
    address: str,
    *,
    router: Router = inject(),
) -> None:
    """Lead new requests to the new process."""
    environment = deployment.environment
    await router.put(Route(deployment.place.app, (environment.host,), (address,)))


@switch_route.compensate(retry=UNDO, timeout=QUICK)
async def switch_back(
    _: None, *, deployment: DeploymentRef, router: Router = inject(), deployments: Deployments = inject()
) -> None:
    """Lead requests to the deployment that is still live, or to nowhere if none is."""
    live = await deployments.live(deployment.environment.id)
    upstreams = (live.address,) if live is not None and live.id != deployment.id else ()
    await router.put(Route(deployment.place.app, (deployment.environment.host,), upstreams))


@step(retry=PATIENT, timeout=QUICK)
async def go_live(deployment: DeploymentRef, *, deployments: Deployments = inject()) -> StepResponse[None, str]:
    """Record that the deployment serves; the one before is superseded."""
    former = await deployments.live(deployment.environment.id)
    await deployments.go_live(deployment.id)
    return StepResponse(None, former.id if former is not None and former.id != deployment.id else "")


@go_live.compensate(retry=UNDO, timeout=QUICK)
async def step_down(former: str | None, *, deployment: DeploymentRef, deployments: Deployments = inject()) -> None:
    """Make the deployment before the live one again."""
    await deployments.end(deployment.id, DeploymentState.DEPLOY_FAILED, "It was undone after it had gone live.")
    if former:
        await deployments.restore_live(deployment.environment.id, former)


@step(timeout=SLOW)
async def retire_former(
    deployment: DeploymentRef,
    *,
    runtime: Runtime = inject(),
    router: Router = inject(),
    deployments: Deployments = inject(),
    ledger: Ledger = inject(),
) -> None:
    """Stop the processes of earlier deployments, when their requests are answered.

    The deployment is live: what fails here is a warning and is found by the audit, it undoes nothing.
    """
    place = deployment.place
    try:
        for instance in await runtime.instances(place.app):
            if not instance.name.endswith(f"-{deployment.number}"):
                await router.drain(instance.address)
                await runtime.stop(place.app, instance.name)
                await ledger.forget(Family.RUNTIME, f"{place.app}/{instance.name}")
    except ProviderError as error:
        await deployments.describe(deployment.id, warning=f"The former process could not be stopped: {error}")
