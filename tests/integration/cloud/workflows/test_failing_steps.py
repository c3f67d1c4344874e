"""Every step of every workflow that makes something fails for good, one at a time."""

from collections.abc import Iterator

import pytest

from euryale.cloud.modules.deployments import Deployment, DeploymentState
from euryale.cloud.modules.projects import EnvironmentState, ProjectState
from euryale.cloud.providers.builder.contract import BuildStatus
from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.testing.faults import failing_step
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.cloud.workflows.create_preview import create_preview
from euryale.cloud.workflows.create_project import create_project
from euryale.cloud.workflows.deploy import deploy
from euryale.workflows import Status, Step, Workflow
from euryale.workflows.definition.nodes import ChildNode, StepNode

REASON = "It was made to fail; do something about it."
BUILT = {"run-release", "start-instances", "await-health", "switch-route", "go-live", "mark-live"}


def steps_of(workflow: Workflow) -> Iterator[Step]:
    for node in workflow.plan.nodes.values():
        if isinstance(node, StepNode):
            yield node.step
        elif isinstance(node, ChildNode):
            yield from steps_of(node.workflow)


def every_step(workflow: Workflow) -> pytest.MarkDecorator:
    steps = {step.name: step for step in steps_of(workflow)}
    return pytest.mark.parametrize("step", steps.values(), ids=steps)


when = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@when
@every_step(create_project)
async def test_of_a_creation(platform: MemoryPlatform, running: RunningPlatform, step: Step, *, after: bool) -> None:
    with failing_step(step, PermanentError(REASON), after=after):
        execution = await running.operations.create_project(platform.project("shop"))
        assert await running.ended(execution) is Status.REVERTED
    assert await platform.inventory() == frozenset()
    assert await running.ledger.list() == ()
    assert await running.differences() == ()
    assert len(running.events.named("project.creation_failed")) == 1
    project = await running.projects.find("shop")
    if project is not None:
        assert project.state is ProjectState.FAILED
        assert REASON in project.reason
        for environment in await running.projects.environments(project.id):
            assert environment.state is EnvironmentState.FAILED
            assert REASON in environment.reason
    await running.create("shop")
    assert platform.serving("shop--production") == "shop--production/web-1"
    assert await running.differences() == ()


@when
@every_step(deploy)
async def test_of_a_deployment(platform: MemoryPlatform, running: RunningPlatform, step: Step, *, after: bool) -> None:
    await running.create("shop")
    before = await platform.inventory()
    commit = platform.push("shop", "main")
    with failing_step(step, PermanentError(REASON), after=after):
        execution = await running.operations.deploy("shop")
        assert await running.ended(execution) is Status.REVERTED
    assert await platform.inventory() == before
    assert platform.serving("shop--production") == "shop--production/web-1"
    assert await running.differences() == ()
    project = await running.projects.get("shop")
    (production,) = await running.projects.environments(project.id)
    assert (project.state, production.state) == (ProjectState.READY, EnvironmentState.LIVE)
    assert (await live_of(running, production.id)).number == 1
    newest = await running.deployments.newest(production.id)
    if newest.number == 2:
        assert newest.commit == commit
        assert newest.state is expected_state(step, after=after)
        assert newest.reason == REASON
        assert len(running.events.named("deployment.failed")) == 1
    second = await running.operations.deploy("shop")
    assert await running.ended(second) is Status.SUCCEEDED
    live = await live_of(running, production.id)
    assert platform.serving("shop--production") == f"shop--production/web-{live.number}"
    assert await running.differences() == ()


def expected_state(step: Step, *, after: bool) -> DeploymentState:
    built = step.name in BUILT or (step.name == "build-artifact" and after)
    # the database is made beside the build, which is done by then
    return DeploymentState.DEPLOY_FAILED if built or step.name == "ensure-database" else DeploymentState.BUILD_FAILED


async def live_of(running: RunningPlatform, environment_id: str) -> Deployment:
    live = await running.deployments.live(environment_id)
    assert live is not None
    return live


@when
@every_step(create_preview)
async def test_of_a_new_preview(platform: MemoryPlatform, running: RunningPlatform, step: Step, *, after: bool) -> None:
    await running.create("shop")
    before = await platform.inventory()
    platform.push("shop", "feature")
    with failing_step(step, PermanentError(REASON), after=after):
        execution = await running.operations.deploy("shop", branch="feature")
        assert await running.ended(execution) is Status.REVERTED
    assert await platform.inventory() == before
    assert await running.differences() == ()
    assert len(running.events.named("preview.failed")) == (step.name != "take-turn")
    project = await running.projects.get("shop")
    found = await running.projects.find_environment(project.id, "feature")
    if found is not None:
        assert found.state is EnvironmentState.FAILED
        assert REASON in found.reason
    again = await running.operations.deploy("shop", branch="feature")
    assert await running.ended(again) is Status.SUCCEEDED
    assert platform.serving("shop--feature").startswith("shop--feature/web-")
    assert await running.differences() == ()


@when
@every_step(create_preview)
async def test_of_a_newer_preview(
    platform: MemoryPlatform, running: RunningPlatform, step: Step, *, after: bool
) -> None:
    await running.create("shop")
    platform.push("shop", "feature")
    await running.ended(await running.operations.deploy("shop", branch="feature"))
    before = await platform.inventory()
    platform.push("shop", "feature")
    with failing_step(step, PermanentError(REASON), after=after):
        execution = await running.operations.deploy("shop", branch="feature")
        assert await running.ended(execution) is Status.REVERTED
    assert await platform.inventory() == before
    assert platform.serving("shop--feature") == "shop--feature/web-1"
    assert await running.differences() == ()
    project = await running.projects.get("shop")
    preview = await running.projects.environment(project.id, "feature")
    assert preview.state is EnvironmentState.LIVE
    assert (await live_of(running, preview.id)).number == 1


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [
        (BuildStatus("failed", "build", reason="npm run build: exit 1"), DeploymentState.BUILD_FAILED, "exit 1"),
        (BuildStatus("timed_out", "install", reason="It took too long."), DeploymentState.TIMED_OUT, "too long"),
    ],
)
async def test_of_a_build_that_ends_badly(
    platform: MemoryPlatform, running: RunningPlatform, outcome: BuildStatus, state: DeploymentState, reason: str
) -> None:
    await running.create("shop")
    platform.push("shop", "main")
    platform.builder.outcome = outcome
    log = platform.builder.log("shop", "production-2")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("what the build said")
    await running.ended(await running.operations.deploy("shop"))
    project = await running.projects.get("shop")
    newest = (await running.deployments.list(project_id=project.id))[0]
    assert (newest.number, newest.state) == (2, state)
    assert reason in newest.reason
    kept = running.logs.build_log(newest.id, "shop", "production-2")
    assert kept.read_text() == "what the build said"
    assert platform.serving("shop--production") == "shop--production/web-1"


async def test_of_an_application_that_never_gets_healthy(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    platform.push("shop", "main")
    platform.faults.fail("runtime.ready", PermanentError("GET /: connection refused"))
    await running.ended(await running.operations.deploy("shop"))
    project = await running.projects.get("shop")
    newest = (await running.deployments.list(project_id=project.id))[0]
    assert (newest.state, newest.reason) == (DeploymentState.DEPLOY_FAILED, "GET /: connection refused")
    assert platform.serving("shop--production") == "shop--production/web-1"
    assert await running.differences() == ()


async def test_of_a_creation_after_its_deployment_was_live(platform: MemoryPlatform, running: RunningPlatform) -> None:
    step = next(each for each in steps_of(create_project) if each.name == "mark-ready")
    with failing_step(step, PermanentError(REASON)):
        await running.ended(await running.operations.create_project(platform.project("shop")))
    undone = [name for name, _ in platform.faults.calls if name in UNDOING]
    # nobody is led to the processes any more before they are stopped, and what they need goes last
    assert undone[undone.index("runtime.stop") - 1] == "router.put"
    assert undone.index("runtime.stop") < undone.index("runtime.destroy") < undone.index("builder.destroy")
    assert undone.index("builder.destroy") < undone.index("databases.destroy_project")
    assert [each for each in running.events.all if each.name == "deployment.live"] == []
    project = await running.projects.get("shop")
    (deployment,) = await running.deployments.list(project_id=project.id)
    assert deployment.state is DeploymentState.CANCELED


UNDOING = {"router.put", "runtime.stop", "runtime.destroy", "builder.destroy", "databases.destroy_project"}
