"""A repository becomes a project in production, or nothing is left but the reason."""

import pytest

from euryale.cloud.modules.deployments import DeploymentState
from euryale.cloud.modules.projects import (
    EnvironmentState,
    InvalidHandleError,
    ProjectExistsError,
    ProjectState,
    Scope,
    UnknownProjectError,
    Variable,
)
from euryale.cloud.providers.errors import ProviderUnavailableError
from euryale.cloud.providers.source.contract import InvalidRepositoryError
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.cloud.workflows.create_project import create_project
from euryale.cloud.workflows.steps.policy import PATIENT
from euryale.kit.secret import Secret
from euryale.workflows import IdempotencyError, Status, StepState, UndoState

RESOURCES = {
    "databases:shop",
    "databases:shop/production",
    "builder:shop",
    "builder:shop/production-1",
    "runtime:shop--production",
    "runtime:shop--production/web-1",
    "router:shop--production",
}


async def test_a_repository_becomes_a_project_in_production(platform: MemoryPlatform, running: RunningPlatform) -> None:
    execution = await running.create("shop")
    project = await running.projects.get("shop")
    (production,) = await running.projects.environments(project.id)
    live = await running.deployments.live(production.id)
    assert (project.state, project.execution) == (ProjectState.READY, execution)
    assert (production.name, production.state) == ("production", EnvironmentState.LIVE)
    assert production.host == "production.shop.localhost"
    assert live is not None
    assert [each.state for each in live.transitions] == [
        DeploymentState.CREATED,
        DeploymentState.BUILDING,
        DeploymentState.BUILT,
        DeploymentState.DEPLOYING,
        DeploymentState.LIVE,
    ]
    assert platform.serving("shop--production") == "shop--production/web-1"
    assert await platform.inventory() == RESOURCES
    written = {f"{each.family}s:{each.name}".replace("builders", "builder") for each in await running.ledger.list()}
    assert written == {name.replace("runtime:", "runtimes:").replace("router:", "routers:") for name in RESOURCES}
    assert await running.differences() == ()
    assert [each.event for each in platform.notifier.told] == ["deployment.live", "project.created"]
    assert platform.notifier.told[-1].title == "Project shop is ready"
    assert [each.data["host"] for each in running.events.named("project.created")] == [production.host]


def test_the_workflow_has_the_nine_tasks_of_its_design() -> None:
    assert list(create_project.plan.nodes) == [
        "validate-repository",  # 1 the user's access to the repository, and the commit
        "determine-build-plan",  # 2 how it is built
        "create-project-record",  # 3 the record
        "create-production-record",  # 5 production first, because what is provisioned belongs to it
        "parallel",
        "provide-route",  # 4 the infrastructure,
        "create-pipeline",  # ... the pipeline,
        "create-database",  # ... and the database, in parallel
        "deploy",  # 6 build and deploy
        "mark-ready",  # 7
        "emit:project.created",  # 8, and 9 by its subscriber
    ]


async def test_a_dead_builder_is_tried_patiently_and_then_everything_is_undone(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    """The classic failure: the pipeline's provider is down while the database was made beside it."""
    platform.faults.fail("builder.create_pipeline", ProviderUnavailableError("The builder does not answer."))
    execution = await running.operations.create_project(platform.project("shop"))
    assert await running.ended(execution) is Status.REVERTED
    events = [each async for each in running.engine.events(execution)]
    retries = [each for each in events if each.name == "step.retrying"]
    assert {each.step for each in retries} == {"create-pipeline"}
    assert len(retries) == PATIENT.max_attempts - 1
    steps = {each.id: each for each in (await running.engine.get(execution)).steps}
    assert steps["create-database"].state is StepState.SUCCEEDED
    assert steps["create-database"].undo_state is UndoState.REVERTED
    assert platform.faults.made("databases.create_branch") == [("shop", "production")]
    await assert_nothing_is_left(platform, running, "The builder does not answer.")
    platform.faults.mend()
    await running.create("shop")
    assert await platform.inventory() == RESOURCES
    assert await running.differences() == ()


async def assert_nothing_is_left(platform: MemoryPlatform, running: RunningPlatform, reason: str) -> None:
    assert await platform.inventory() == frozenset()
    assert await running.ledger.list() == ()
    assert await running.differences() == ()
    project = await running.projects.get("shop")
    assert project.state is ProjectState.FAILED
    assert reason in project.reason
    (event,) = running.events.named("project.creation_failed")
    assert reason in event.data["reason"]
    (told,) = [each for each in platform.notifier.told if each.event == "project.creation_failed"]
    assert told.title == "Project shop could not be created"
    assert reason in told.text


def test_waits_between_attempts_grow() -> None:
    waits = [PATIENT.delay(attempt, random=0.0) for attempt in range(1, PATIENT.max_attempts)]
    assert waits == sorted(set(waits))
    assert 7 < sum(waits) < sum(PATIENT.delay(attempt, random=1.0) for attempt in range(1, 6)) < 16


async def test_a_failure_before_the_record_is_told_too(platform: MemoryPlatform, running: RunningPlatform) -> None:
    new = platform.project("shop", branch="nowhere")
    execution = await running.operations.create_project(new)
    assert await running.ended(execution) is Status.REVERTED
    (event,) = running.events.named("project.creation_failed")
    assert "nowhere" in event.data["reason"]
    with pytest.raises(UnknownProjectError):
        await running.projects.get("shop")
    assert await running.differences() == ()


async def test_a_second_project_of_the_same_name_is_refused(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    with pytest.raises(ProjectExistsError, match="euryale projects delete shop"):
        await running.operations.create_project(platform.project("shop"))
    with pytest.raises(InvalidHandleError):
        await running.operations.create_project(platform.project("../shop"))


async def test_a_name_that_is_being_created_is_taken(platform: MemoryPlatform, running: RunningPlatform) -> None:
    hold = platform.faults.hold("source.inspect")
    execution = await running.operations.create_project(platform.project("shop"))
    await hold.reached.wait()
    with pytest.raises(ProjectExistsError, match="is being created"):
        await running.operations.create_project(platform.project("shop"))
    hold.release()
    assert await running.ended(execution) is Status.SUCCEEDED


async def test_the_same_key_joins_the_same_creation(platform: MemoryPlatform, running: RunningPlatform) -> None:
    new = platform.project("shop", variables=(Variable("TOKEN", Secret("hunter2-hunter2"), Scope.RUNTIME),))
    first = await running.operations.create_project(new, key="k" * 300)
    assert await running.operations.create_project(new, key="k" * 300) == first
    assert await running.ended(first) is Status.SUCCEEDED
    assert await running.operations.create_project(new, key="k" * 300) == first
    with pytest.raises(IdempotencyError):
        await running.operations.create_project(platform.project("shop", branch="other"), key="k" * 300)


@pytest.mark.parametrize(
    "address",
    [
        "https://user:hunter2@git.example/shop.git",
        "https://hunter2@git.example/shop",
        "http://x:hunter2@127.0.0.1:7400/git/shop.git",
        "ssh://git:hunter2@git.example/shop.git",
    ],
)
async def test_credentials_in_an_address_are_refused(
    running: RunningPlatform, platform: MemoryPlatform, address
) -> None:
    new = platform.project("shop")
    with pytest.raises(InvalidRepositoryError, match="holds credentials") as refused:
        await running.operations.create_project(type(new)("shop", address))
    assert "hunter2" not in str(refused.value)
    assert await running.engine.list() == ()


async def test_no_secret_is_written_in_clear(platform: MemoryPlatform) -> None:
    secret = "correct-horse-battery-staple"
    variables = (Variable("TOKEN", Secret(secret)),)
    async with platform.running() as running:
        platform.faults.fail("runtime.ready", RuntimeError(f"the application said: my token is {secret}"), times=1)
        execution = await running.operations.create_project(platform.project("shop", variables=variables))
        assert await running.ended(execution) is Status.REVERTED
        assert "[redacted]" in (await running.projects.get("shop")).reason
        await running.create("shop", variables=variables)
        password = (await platform.databases.connect("shop", "production")).url.reveal()
        told = repr(platform.notifier.told) + repr([each.data for each in running.events.all])
    files = [path for path in (platform.folder / "home").rglob("*") if path.is_file()]
    assert {"control.sqlite3", "workflows.sqlite3"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert secret.encode() not in content, path
        assert password.encode() not in content, path
    assert secret not in told


async def test_what_the_application_sees(platform: MemoryPlatform, running: RunningPlatform) -> None:
    variables = (
        Variable("BUILD_ONLY", Secret("1"), Scope.BUILD),
        Variable("RUN_ONLY", Secret("2"), Scope.RUNTIME),
        Variable("EVERYWHERE", Secret("3")),
    )
    await running.create("shop", variables=variables)
    (build,) = [intent for (intent,) in platform.faults.made("builder.start")]
    (start,) = [intent for (intent,) in platform.faults.made("runtime.start")]
    assert {"BUILD_ONLY", "EVERYWHERE"} <= build.env.keys()
    assert not {"RUN_ONLY", "DATABASE_URL"} & build.env.keys()
    assert {"RUN_ONLY", "EVERYWHERE", "DATABASE_URL"} <= start.env.keys()
    assert "BUILD_ONLY" not in start.env
