"""Steps that bring an artifact up: variables, migrations, instances, health, route."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from euryale.cloud.buildplan.plan import BuildPlan, Command
from euryale.cloud.modules.deployments import Deployment, Deployments, DeploymentState, Snapshot
from euryale.cloud.modules.ledger import Family, Ledger
from euryale.cloud.modules.projects import Projects, Scope, Variable
from euryale.cloud.providers.database.contract import Database as Databases
from euryale.cloud.providers.router.contract import Route, Router
from euryale.cloud.providers.runtime.contract import InstanceIntent, Runtime
from euryale.cloud.settings import PlatformSettings
from euryale.cloud.workflows.references import DeploymentRef, EnvironmentRef
from euryale.cloud.workflows.steps.intentions import intend_for
from euryale.cloud.workflows.steps.policy import PATIENT, QUICK, SLOW, UNDO, why
from euryale.cloud.workflows.steps.records import final_state
from euryale.kit.secret import Secret
from euryale.workflows import inject, step, step_context

WEB = "web"


@step(retry=PATIENT, timeout=QUICK)
async def provide_route(
    environment: EnvironmentRef,
    *,
    router: Router = inject(),
    deployments: Deployments = inject(),
    ledger: Ledger = inject(),
) -> None:
    """Give the environment its address; until something is deployed, it says so."""
    await intend_for(environment, Family.ROUTER, environment.place.app, ledger=ledger, deployments=deployments)
    await _lead_to(environment, await deployments.live(environment.id), router)


async def _lead_to(environment: EnvironmentRef, live: Deployment | None, router: Router) -> None:
    upstreams = (live.address,) if live is not None and live.address else ()
    await router.put(Route(environment.place.app, (environment.host,), upstreams))


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
    environment, app = deployment.environment, deployment.place.app
    await intend_for(environment, Family.RUNTIME, app, ledger=ledger, deployments=deployments)
    env = await _environment(deployment, deployments, databases)
    for index, command in enumerate(plan.predeploy, start=1):
        name = deployment.place.instance(f"release{index}", deployment.number)
        await runtime.release(_intent(deployment, name, artifact, plan, command, env))


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
        await _intend_instance(deployment, name, runtime, ledger)
        own = {key: Secret(value) for key, value in process.env}
        intent = _intent(deployment, name, artifact, plan, process.command, {**env, **own})
        instance = await runtime.start(intent)
        if process.name == WEB:
            address = instance.address
            await deployments.describe(deployment.id, instance=name, address=address)
    return address


async def _intend_instance(deployment: DeploymentRef, name: str, runtime: Runtime, ledger: Ledger) -> None:
    """Write the instance down; stop one of that name that another execution could not undo."""
    app, execution = deployment.place.app, step_context().execution
    written = f"{app}/{name}"
    if await ledger.maker(Family.RUNTIME, written) not in {None, execution}:
        await runtime.stop(app, name)
        await ledger.forget(Family.RUNTIME, written)
    project, environment = deployment.place.project, deployment.environment.id
    await ledger.intend(Family.RUNTIME, written, project=project, environment=environment, execution=execution)


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
        written = f"{deployment.place.app}/{name}"
        if await ledger.made_by(Family.RUNTIME, written, step_context().execution):
            await runtime.stop(deployment.place.app, name)
            await ledger.forget(Family.RUNTIME, written)


@step(retry=PATIENT)
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
    _: None,
    *,
    deployment: DeploymentRef,
    router: Router = inject(),
    deployments: Deployments = inject(),
    ledger: Ledger = inject(),
) -> None:
    """Lead requests to the deployment that is still live, or to nowhere if none is."""
    written = await ledger.list(environment=deployment.environment.id)
    if not any(each.family is Family.ROUTER for each in written):
        return  # tried again after the environment was removed: the name may be another's by now
    live = await deployments.live(deployment.environment.id)
    await _lead_to(deployment.environment, live if live is None or live.id != deployment.id else None, router)


@step(retry=PATIENT, timeout=QUICK)
async def go_live(deployment: DeploymentRef, *, deployments: Deployments = inject()) -> None:
    """Record that the deployment serves; the one before is superseded."""
    await deployments.go_live(deployment.id)


@go_live.compensate(retry=UNDO, timeout=QUICK)
async def step_down(_: None, *, deployment: DeploymentRef, deployments: Deployments = inject()) -> None:
    """Make the deployment before the live one again: its processes run until its successor is live for good."""
    state = final_state(await deployments.get(deployment.id))
    await deployments.step_down(deployment.id, state, why())
