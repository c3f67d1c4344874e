"""What was lost while nobody listened is found again."""

import pytest

from euryale.cloud.modules.deployments import DeploymentState
from euryale.cloud.modules.projects import Project, ProjectState, UnknownProjectError
from euryale.cloud.providers.builder.contract import BuildStatus
from euryale.cloud.providers.errors import ProviderUnavailableError
from euryale.cloud.providers.source.contract import Repository
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.workflows import ExecutionQuery, Status


async def reconcile(running: RunningPlatform) -> None:
    await running.reconciler.reconcile()
    await running.settled()


async def names(running: RunningPlatform) -> list[str]:
    project = await running.projects.get("shop")
    return [each.name for each in await running.projects.environments(project.id)]


async def test_what_was_pushed_while_the_platform_was_down_is_deployed(platform: MemoryPlatform) -> None:
    async with platform.running() as running:
        await running.create("shop")
    platform.push("shop", "main")
    platform.push("shop", "feature")
    async with platform.running() as running:
        await reconcile(running)
        assert platform.serving("shop--production") == "shop--production/web-2"
        assert platform.serving("shop--feature") == "shop--feature/web-1"
        before = len(await running.engine.list(ExecutionQuery(limit=500)))
        await reconcile(running)
        assert len(await running.engine.list(ExecutionQuery(limit=500))) == before, "a second look finds nothing"
        platform.source.delete_branch((await running.projects.get("shop")).repository, "feature")
        await reconcile(running)
        assert await names(running) == ["production"]
        assert await running.differences() == ()


async def test_a_commit_that_does_not_build_is_not_tried_for_ever(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    platform.push("shop", "main")
    platform.push("shop", "feature")
    good, platform.builder.outcome = platform.builder.outcome, BuildStatus("failed", "build", reason="exit 1")
    for _ in range(3):
        await reconcile(running)
    project = await running.projects.get("shop")
    found = await running.deployments.list(project_id=project.id)
    assert sorted((each.branch, each.state) for each in found) == [
        ("feature", DeploymentState.BUILD_FAILED),
        ("main", DeploymentState.BUILD_FAILED),
        ("main", DeploymentState.LIVE),
    ]
    platform.builder.outcome = good
    platform.push("shop", "feature")
    await reconcile(running)
    assert platform.serving("shop--feature") == "shop--feature/web-2", "a new commit is tried"


async def test_a_preview_that_fails_before_its_deployment_is_let_rest(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    platform.push("shop", "feature")
    platform.faults.fail("router.put")
    for _ in range(3):
        await reconcile(running)
    assert len(running.events.named("preview.failed")) == 1


async def test_a_preview_that_a_person_removed_comes_back_with_the_next_commit_only(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    platform.push("shop", "feature")
    await reconcile(running)
    await running.ended(await running.operations.remove_preview("shop", "feature"))
    await reconcile(running)
    assert await names(running) == ["production"]
    platform.push("shop", "feature")
    await reconcile(running)
    assert await names(running) == ["production", "feature"]


@pytest.mark.parametrize(
    "error",
    [ProviderUnavailableError("The repository cannot be reached."), RuntimeError("a defect")],
    ids=["unavailable", "defect"],
)
async def test_one_bad_project_keeps_no_other_from_being_looked_at(
    platform: MemoryPlatform, running: RunningPlatform, error: Exception
) -> None:
    await running.create("aaa")
    await running.create("shop")
    inspect = platform.source.inspect

    async def sick(address: str) -> object:
        if address.endswith("aaa"):
            raise error
        return await inspect(address)

    platform.source.inspect = sick
    platform.push("shop", "main")
    await reconcile(running)
    assert platform.serving("shop--production") == "shop--production/web-2"


async def test_a_repository_that_cannot_be_read_loses_no_preview(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    platform.push("shop", "feature")
    await reconcile(running)
    platform.faults.fail("source.inspect")
    await reconcile(running)
    assert await names(running) == ["production", "feature"]


async def test_what_died_with_the_machine_is_brought_back(platform: MemoryPlatform) -> None:
    async with platform.running() as running:
        await running.create("shop")
    platform.runtime.lose()
    await platform.databases.suspend("shop", "production")
    await platform.router.remove("shop--production")
    async with platform.running() as running:
        assert platform.serving("shop--production") == "shop--production/web-1"
        assert platform.databases.suspended == set()
        platform.runtime.lose()
        await reconcile(running)
        assert platform.serving("shop--production") == "shop--production/web-1"
        (release, again) = [intent for (intent,) in platform.faults.made("runtime.start")][-2:]
        assert release.env == again.env
        assert again.artifact == release.artifact
        assert await running.differences() == ()


async def test_a_provider_that_is_down_at_the_start_is_asked_again(platform: MemoryPlatform) -> None:
    async with platform.running() as running:
        await running.create("shop")
    platform.runtime.lose()
    platform.faults.fail("runtime.start", times=2)
    async with platform.running() as running:
        await reconcile(running)
        await reconcile(running)
        assert platform.serving("shop--production") == "shop--production/web-1"


async def test_a_database_that_died_is_served_again_even_while_its_environment_is_worked_on(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    await platform.databases.suspend("shop", "production")
    await running.reconciler.reconcile()
    assert platform.databases.suspended == set()
    platform.push("shop", "main")
    hold = platform.faults.hold("runtime.ready")
    execution = await running.operations.deploy("shop")
    await hold.reached.wait()
    await platform.databases.suspend("shop", "production")
    await running.reconciler.reconcile()
    assert platform.databases.suspended == set()
    hold.release()
    assert await running.ended(execution) is Status.SUCCEEDED


async def test_an_environment_that_is_worked_on_is_left_alone(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    platform.push("shop", "main")
    hold = platform.faults.hold("runtime.ready")
    execution = await running.operations.deploy("shop")
    await hold.reached.wait()
    routes = len(platform.faults.made("router.put"))
    platform.runtime.lose()
    await running.reconciler.reconcile()
    assert len(platform.faults.made("router.put")) == routes
    hold.release()
    assert await running.ended(execution) is Status.REVERTED
    await reconcile(running)
    assert platform.serving("shop--production") == "shop--production/web-1", "now it is brought back"


async def test_a_deletion_that_was_never_started_is_started(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    project = await running.projects.get("shop")
    await running.projects.claim_for_deletion(project.id, "delete-project:shop:never-written")
    assert (await running.projects.get("shop")).state is ProjectState.DELETING
    await reconcile(running)
    with pytest.raises(UnknownProjectError):
        await running.projects.get("shop")
    assert await platform.inventory() == frozenset()


async def test_a_removal_that_was_cancelled_is_begun_again(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    platform.push("shop", "feature")
    await reconcile(running)
    hold = platform.faults.hold("runtime.destroy")
    removing = await running.operations.remove_preview("shop", "feature")
    await hold.reached.wait()
    await running.engine.cancel(removing)
    hold.release()
    assert await running.ended(removing) is Status.REVERTED
    await reconcile(running)
    assert await names(running) == ["production"]
    assert await running.differences() == ()


def force_back(platform: MemoryPlatform, branch: str, commit: str) -> None:
    """Move a branch back to an older commit; nobody is told."""
    platform.source._branches["memory:shop"][branch] = commit


async def serves(running: RunningPlatform) -> str:
    """Return the commit that production serves."""
    project = await running.projects.get("shop")
    (production,) = await running.projects.environments(project.id)
    live = await running.deployments.live(production.id)
    return live.commit if live is not None else ""


async def test_a_branch_that_was_forced_back_is_followed(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    first = await serves(running)
    platform.push("shop", "main")
    await reconcile(running)
    force_back(platform, "main", first)
    await reconcile(running)
    assert await serves(running) == first


async def test_a_commit_that_a_person_chose_stays(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    first = await serves(running)
    second = platform.push("shop", "main")
    await running.ended(await running.operations.deploy("shop"))
    assert await serves(running) == second
    await running.ended(await running.operations.deploy("shop", ref=first))
    await reconcile(running)
    assert await serves(running) == first, "the branch has not moved since"
    third = platform.push("shop", "main")
    await reconcile(running)
    assert await serves(running) == third
    await running.ended(await running.operations.deploy("shop", ref=second))
    force_back(platform, "main", first)
    await reconcile(running)
    assert await serves(running) == first, "now it has moved, if only to what had been deployed before"


async def test_a_preview_that_is_made_during_a_look_stays(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    inspect = platform.source.inspect
    seen = await inspect("memory:shop")
    platform.push("shop", "feature")
    await running.ended(await running.operations.deploy("shop", branch="feature"))
    looks = [Repository(seen.address, seen.default_branch, dict(seen.branches))]

    async def look(address: str) -> Repository:
        return looks.pop() if looks else await inspect(address)

    platform.source.inspect = look
    await reconcile(running)
    assert looks == []
    assert platform.serving("shop--feature") == "shop--feature/web-1"
    assert await names(running) == ["production", "feature"]


async def test_a_branch_that_came_back_is_not_removed_again(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    platform.push("shop", "feature")
    await reconcile(running)
    hold = platform.faults.hold("databases.destroy_branch")
    removing = await running.operations.remove_preview("shop", "feature", cause="branch deleted")
    await hold.reached.wait()
    making = await running.operations.deploy("shop", branch="feature", cause="push")
    await running.reconciler.reconcile()
    hold.release()
    assert await running.ended(making) is Status.SUCCEEDED
    assert await running.engine.wait(removing) is Status.SUCCEEDED
    assert platform.serving("shop--feature") == "shop--feature/web-1"


async def test_a_new_project_of_a_deleted_ones_name_stays(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    hold = platform.faults.hold("runtime.destroy")
    deleting = await running.operations.delete_project("shop")
    await hold.reached.wait()
    seen = await running.projects.all()
    assert [each.state for each in seen] == [ProjectState.DELETING]
    hold.release()
    await running.ended(deleting)
    await running.create("shop")

    async def everything() -> tuple[Project, ...]:
        return seen

    running.projects.all = everything
    await reconcile(running)
    assert (await running.projects.get("shop")).state is ProjectState.READY
    assert platform.serving("shop--production") == "shop--production/web-1"


async def test_a_preview_that_failed_early_stays_removed(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    head = platform.push("shop", "feature")
    platform.faults.fail("router.put")
    await reconcile(running)
    platform.faults.mend()
    await running.ended(await running.operations.remove_preview("shop", "feature"))
    project = await running.projects.get("shop")
    assert await running.projects.is_dismissed(project.id, "feature", head)
