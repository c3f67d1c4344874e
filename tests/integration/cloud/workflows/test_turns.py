"""For each environment one thing happens at a time: the newest wins, and nothing is left of what it cancelled."""

import asyncio
import contextlib
import random

import pytest

from euryale.cloud.modules.deployments import DeploymentState
from euryale.cloud.modules.projects import ProjectState, ProjectStateError, UnknownEnvironmentError, UnknownProjectError
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.kit.errors import EuryaleError
from euryale.workflows import Reason, Status

PLACES = ["source.checkout", "builder.start", "builder.wait", "databases.create_branch", "runtime.start", "router.put"]


async def states(running: RunningPlatform, environment: str = "production") -> list[str]:
    """Return the states of an environment's deployments, oldest first."""
    project = await running.projects.get("shop")
    found = await running.projects.environment(project.id, environment)
    return [each.state.value for each in reversed(await running.deployments.of_environment(found.id))]


@pytest.mark.parametrize("place", [*PLACES, "runtime.ready"])
async def test_a_newer_push_supersedes_an_older_one(
    platform: MemoryPlatform, running: RunningPlatform, place: str
) -> None:
    await running.create("shop")
    platform.push("shop", "main")
    hold = platform.faults.hold(place)
    older = await running.operations.deploy("shop")
    await hold.reached.wait()
    newest = platform.push("shop", "main")
    newer = await running.operations.deploy("shop")
    hold.release()
    assert await running.ended(newer) is Status.SUCCEEDED
    live = (await running.deployments.list(project_id=(await running.projects.get("shop")).id))[0]
    assert (live.commit, live.state) == (newest, DeploymentState.LIVE)
    assert platform.serving("shop--production") == f"shop--production/web-{live.number}"
    assert await running.differences() == ()
    assert await states(running) == ["superseded", "canceled", "live"]
    assert (await running.engine.get(older)).reason is Reason.CANCELLED
    assert running.events.named("deployment.failed") == [], "that it was superseded is no failure"


async def test_the_newer_one_begins_when_the_older_one_is_undone(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    platform.push("shop", "main")
    waits, undoes = platform.faults.hold("builder.wait"), platform.faults.hold("builder.destroy")
    older = await running.operations.deploy("shop")
    await waits.reached.wait()
    newer = await running.operations.deploy("shop")
    await undoes.reached.wait()
    assert await states(running) == ["live", "building"]
    waits.release()
    undoes.release()
    assert await running.ended(newer) is Status.SUCCEEDED
    assert await running.engine.wait(older) is Status.REVERTED
    assert await states(running) == ["superseded", "canceled", "live"]


async def test_many_at_once_end_with_the_last(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    executions = []
    for _ in range(5):
        commit = platform.push("shop", "main")
        executions.append(await running.operations.deploy("shop"))
    assert await running.ended(executions[-1]) is Status.SUCCEEDED
    project = await running.projects.get("shop")
    (production,) = await running.projects.environments(project.id)
    assert (await running.deployments.live(production.id)).commit == commit
    assert (await states(running)).count("live") == 1
    assert await running.differences() == ()


async def test_one_that_was_live_for_an_instant_gives_way(platform: MemoryPlatform, running: RunningPlatform) -> None:
    """Cancelled between its switch and its end it hands back to its predecessor, which has not been stopped."""
    await running.create("shop")
    platform.push("shop", "main")
    calls = len(platform.faults.calls)
    execution = await running.operations.deploy("shop")
    async for event in running.engine.events(execution):
        if event.name == "step.succeeded" and event.step == "go-live":
            await running.engine.cancel(execution)
            break
    status = await running.ended(execution)
    serving = platform.serving("shop--production")
    assert serving == ("shop--production/web-1" if status is Status.REVERTED else "shop--production/web-2")
    stopped = [args for name, args in platform.faults.calls[calls:] if name == "runtime.stop"]
    assert ("shop--production", "web-1") not in stopped or status is Status.SUCCEEDED
    assert await running.differences() == ()


@pytest.mark.parametrize("place", PLACES)
async def test_a_preview_that_is_removed_while_it_is_made_leaves_nothing(
    platform: MemoryPlatform, running: RunningPlatform, place: str
) -> None:
    await running.create("shop")
    before = await platform.inventory()
    platform.push("shop", "feature")
    hold = platform.faults.hold(place)
    making = await running.operations.deploy("shop", branch="feature")
    await hold.reached.wait()
    removing = await running.operations.remove_preview("shop", "feature")
    assert await running.operations.remove_preview("shop", "feature") == removing
    hold.release()
    await running.ended(removing)
    assert await running.engine.wait(making) is Status.REVERTED
    assert await platform.inventory() == before
    assert await running.differences() == ()
    project = await running.projects.get("shop")
    with pytest.raises(UnknownEnvironmentError):
        await running.projects.environment(project.id, "feature")


async def test_a_branch_that_comes_back_waits_for_the_removal(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    platform.push("shop", "feature")
    await running.ended(await running.operations.deploy("shop", branch="feature"))
    hold = platform.faults.hold("databases.destroy_branch")
    removing = await running.operations.remove_preview("shop", "feature", cause="branch deleted")
    await hold.reached.wait()
    making = await running.operations.deploy("shop", branch="feature")
    hold.release()
    assert await running.ended(making) is Status.SUCCEEDED
    assert await running.engine.wait(removing) is Status.SUCCEEDED
    assert await states(running, "feature") == ["live"]
    assert len(platform.faults.made("databases.destroy_branch")) == 1
    assert await running.differences() == ()


@pytest.mark.parametrize("place", [*PLACES, "builder.create_pipeline", "databases.create_project"])
async def test_a_project_that_is_deleted_while_it_is_made_leaves_nothing(
    platform: MemoryPlatform, running: RunningPlatform, place: str
) -> None:
    hold = platform.faults.hold(place)
    creating = await running.operations.create_project(platform.project("shop"))
    await hold.reached.wait()
    await running.projects.get("shop")
    deleting = await running.operations.delete_project("shop")
    assert await running.operations.delete_project("shop") == deleting
    hold.release()
    assert await running.ended(deleting) is Status.SUCCEEDED
    assert await running.engine.wait(creating) is Status.REVERTED
    assert await platform.inventory() == frozenset()
    assert await running.ledger.list() == ()
    with pytest.raises(UnknownProjectError):
        await running.projects.get("shop")
    await running.create("shop")
    assert await running.differences() == ()


async def test_nothing_is_started_for_a_project_that_is_being_deleted(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    platform.push("shop", "feature")
    hold = platform.faults.hold("runtime.destroy")
    deleting = await running.operations.delete_project("shop")
    with pytest.raises(ProjectStateError, match="is deleting"):
        await running.operations.deploy("shop")
    with pytest.raises(ProjectStateError, match="is deleting"):
        await running.operations.deploy("shop", branch="feature")
    hold.release()
    assert await running.ended(deleting) is Status.SUCCEEDED
    assert await platform.inventory() == frozenset()


async def test_a_deletion_goes_on_for_as_long_as_it_takes(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    platform.faults.fail("databases.destroy_project", times=30)
    deleting = await running.operations.delete_project("shop")
    assert await running.ended(deleting) is Status.SUCCEEDED
    assert await platform.inventory() == frozenset()


async def test_production_is_not_removed_alone(running: RunningPlatform) -> None:
    await running.create("shop")
    with pytest.raises(ProjectStateError, match="Production cannot be removed alone"):
        await running.operations.remove_preview("shop", "production")


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_comes_in_whatever_order(platform: MemoryPlatform, running: RunningPlatform, seed: int) -> None:
    """Creations, pushes, removals and deletions at random instants, with providers that fail now and then."""
    dice = random.Random(seed)
    new = platform.project("shop")
    for _ in range(12):
        if dice.random() < 0.3:
            call = dice.choice(
                [*PLACES, "builder.destroy", "runtime.stop", "router.remove", "databases.destroy_branch"]
            )
            platform.faults.fail(call, times=dice.randrange(1, 9), after=dice.random() < 0.5)
        with contextlib.suppress(EuryaleError):
            await act(platform, running, new, dice)
        for _ in range(dice.randrange(20)):
            await running.projects.all()  # somebody looks on while work goes on
    platform.faults.mend()
    async with asyncio.timeout(60):
        await running.settled()
    assert await running.differences() == (), "the books are right, whatever happened"
    await check_serving(platform, running)
    for each in await running.projects.all():
        await running.ended(await running.operations.delete_project(each.name))
    assert await platform.inventory() == frozenset()
    assert await running.ledger.list() == ()


async def act(platform: MemoryPlatform, running: RunningPlatform, new, dice: random.Random) -> None:
    branch = dice.choice(["main", "feature", "other"])
    match dice.choice(["create", "create", "push", "push", "push", "remove", "delete", "cancel"]):
        case "create":
            await running.operations.create_project(new)
        case "push":
            platform.push("shop", branch)
            await running.operations.deploy("shop", branch=branch, cause="push")
        case "remove":
            await running.operations.remove_preview("shop", branch)
        case "delete":
            await running.operations.delete_project("shop")
        case "cancel":
            newest = await running.engine.list()
            if newest and newest[0].workflow in {"deploy", "create-preview", "create-project"}:
                await running.engine.cancel(newest[0].id)


async def check_serving(platform: MemoryPlatform, running: RunningPlatform) -> None:
    """Every environment serves its live deployment; no project is left half way."""
    for project in await running.projects.all():
        assert project.state in {ProjectState.READY, ProjectState.FAILED}
        for environment in await running.projects.environments(project.id):
            app = f"{project.name}--{environment.name}"
            live = await running.deployments.live(environment.id)
            assert platform.serving(app) == (f"{app}/web-{live.number}" if live else "")
            assert await running.deployments.under_way(environment.id) == ()
