"""A branch becomes an environment of its own, and goes without a trace; old artifacts and processes go, too."""

import pytest

from euryale.cloud.modules.deployments import DeploymentState
from euryale.cloud.modules.projects import EnvironmentKind, EnvironmentState, UnknownEnvironmentError
from euryale.cloud.providers.router.names import check_host
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.workflows import Status


async def push(platform: MemoryPlatform, running: RunningPlatform, branch: str) -> str:
    """Push to a branch, tell the platform, and wait for what follows; return the commit."""
    commit = platform.push("shop", branch)
    project = await running.projects.get("shop")
    execution = await running.operations.branch_moved(project, branch, cause="push")
    assert execution is not None
    assert await running.ended(execution) is Status.SUCCEEDED
    return commit


async def test_a_branch_gets_an_environment_with_a_copy_of_the_data(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    before = await platform.inventory()
    await push(platform, running, "feature")
    project = await running.projects.get("shop")
    production, preview = await running.projects.environments(project.id)
    assert (preview.kind, preview.state, preview.base) == (EnvironmentKind.PREVIEW, EnvironmentState.LIVE, "production")
    assert preview.host == "feature.shop.localhost"
    assert platform.faults.made("databases.create_branch")[-1] == ("shop", "feature", "production")
    assert platform.serving("shop--feature") == "shop--feature/web-1"
    assert platform.serving("shop--production") == "shop--production/web-1"
    assert [each.event for each in platform.notifier.told][-2:] == ["deployment.live", "preview.live"]

    database = (await platform.databases.connect("shop", "feature")).url
    await push(platform, running, "feature")
    assert (await platform.databases.connect("shop", "feature")).url == database, "the data stay"
    assert len(await running.projects.environments(project.id)) == 2
    assert platform.serving("shop--feature") == "shop--feature/web-2"

    platform.source.delete_branch(project.repository, "feature")
    removing = await running.operations.branch_moved(project, "feature", cause="push")
    assert await running.ended(removing) is Status.SUCCEEDED
    assert await platform.inventory() == before
    assert await running.projects.environments(project.id) == (production,)
    assert await running.deployments.of_environment(preview.id) == ()
    assert await running.differences() == ()
    assert platform.notifier.told[-1].event == "preview.removed"
    assert await running.operations.branch_moved(project, "feature", cause="push") is None
    with pytest.raises(UnknownEnvironmentError):
        await running.operations.remove_preview("shop", "feature")


@pytest.mark.parametrize(
    "branch", ["feature/New checkout", "production", "-rf", "日本語", "a" * 200, "x--y", "UPPER", "1"]
)
async def test_a_branch_of_any_name_gets_a_safe_one(
    platform: MemoryPlatform, running: RunningPlatform, branch: str
) -> None:
    await running.create("shop")
    await push(platform, running, branch)
    project = await running.projects.get("shop")
    production, preview = await running.projects.environments(project.id)
    assert production.name == "production" != preview.name
    assert preview.branch == branch
    check_host(preview.host)
    assert platform.serving(f"shop--{preview.name}") == f"shop--{preview.name}/web-1"
    assert await running.differences() == ()


async def test_previews_may_be_unwanted(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop", previews=False)
    platform.push("shop", "feature")
    project = await running.projects.get("shop")
    assert await running.operations.branch_moved(project, "feature", cause="push") is None


async def test_a_push_that_comes_again_starts_nothing(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    platform.push("shop", "main")
    project = await running.projects.get("shop")
    newest = await push(platform, running, "main")
    assert await running.operations.branch_moved(project, "main", cause="push") is None
    (production,) = await running.projects.environments(project.id)
    assert (await running.deployments.live(production.id)).commit == newest


async def test_the_former_process_stops_when_its_requests_are_answered(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    (former,) = await platform.runtime.instances("shop--production")
    await push(platform, running, "main")
    order = [name for name, _ in platform.faults.calls if name in {"router.put", "router.drain", "runtime.stop"}]
    assert order[-3:] == ["router.put", "router.drain", "runtime.stop"]
    assert platform.router.drained == [former.address]
    assert [each.name for each in await platform.runtime.instances("shop--production")] == ["web-2"]


async def test_a_former_process_that_does_not_stop_is_a_warning(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    await running.create("shop")
    platform.faults.fail("runtime.stop", times=3)
    await push(platform, running, "main")
    project = await running.projects.get("shop")
    newest = (await running.deployments.list(project_id=project.id))[0]
    assert (newest.state, newest.warning) == (DeploymentState.LIVE, ""), "it was tried until it did"
    assert len(await platform.runtime.instances("shop--production")) == 1
    assert await running.differences() == ()


@pytest.mark.parametrize(("keep", "left"), [(1, {4}), (2, {3, 4}), (3, {2, 3, 4})])
async def test_only_the_newest_artifacts_are_kept(platform: MemoryPlatform, keep: int, left: set[int]) -> None:
    async with platform.running(keep_builds=keep) as running:
        await running.create("shop")
        for number in (2, 3, 4):
            log = platform.builder.log("shop", f"production-{number - 1}")
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(f"log {number - 1}")
            await push(platform, running, "main")
        assert await platform.builder.inventory() == {"shop", *(f"shop/production-{number}" for number in left)}
        project = await running.projects.get("shop")
        for each in await running.deployments.list(project_id=project.id):
            assert bool(each.artifact) == (each.number in left)
            if each.number not in left:
                assert running.logs.build_log(each.id, "shop", "gone").read_text() == f"log {each.number}"
        assert await running.differences() == ()
