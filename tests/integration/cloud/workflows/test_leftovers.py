"""What an execution could not undo is taken over by the next; to try the undo again harms nobody any more."""

import pytest

from euryale.cloud.modules.projects import ProjectState
from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.workflows import Status

UNDOING = [
    "builder.destroy",
    "builder.destroy_pipeline",
    "databases.destroy_branch",
    "databases.destroy_project",
    "router.remove",
    "runtime.destroy",
    "runtime.stop",
]


def break_down(platform: MemoryPlatform) -> None:
    """Let an application never get healthy, and nothing of it be taken away."""
    platform.faults.fail("runtime.ready", PermanentError("It does not answer."))
    for call in UNDOING:
        platform.faults.fail(call)


async def check_unharmed(platform: MemoryPlatform, running: RunningPlatform, failed: str, app: str) -> None:
    before, serving = await platform.inventory(), platform.serving(app)
    await running.engine.retry(failed)
    assert await running.ended(failed) is Status.REVERTED
    assert platform.serving(app) == serving != ""
    assert await platform.inventory() == before
    assert await running.differences() == ()


async def test_of_a_creation(platform: MemoryPlatform, running: RunningPlatform) -> None:
    break_down(platform)
    failed = await running.operations.create_project(platform.project("shop"))
    assert await running.ended(failed) is Status.FAILED
    platform.faults.mend()
    await running.create("shop")
    await check_unharmed(platform, running, failed, "shop--production")
    assert (await running.projects.get("shop")).state is ProjectState.READY
    await running.ended(await running.operations.delete_project("shop"))
    assert await platform.inventory() == frozenset()
    assert await running.ledger.list() == ()


@pytest.mark.parametrize("removed", [False, True], ids=["that is made again", "that is removed before"])
async def test_of_a_preview(platform: MemoryPlatform, running: RunningPlatform, *, removed: bool) -> None:
    await running.create("shop")
    before = await platform.inventory()
    platform.push("shop", "feature")
    break_down(platform)
    failed = await running.operations.deploy("shop", branch="feature")
    assert await running.ended(failed) is Status.FAILED
    platform.faults.mend()
    if removed:
        await running.ended(await running.operations.remove_preview("shop", "feature"))
        assert await platform.inventory() == before
    await running.ended(await running.operations.deploy("shop", branch="feature"))
    await check_unharmed(platform, running, failed, "shop--feature")
    await running.ended(await running.operations.remove_preview("shop", "feature"))
    assert await platform.inventory() == before
    assert await running.differences() == ()


async def test_what_was_left_is_undone_with_the_one_that_took_it_over(
    platform: MemoryPlatform, running: RunningPlatform
) -> None:
    break_down(platform)
    await running.ended(await running.operations.create_project(platform.project("shop")))
    platform.faults.mend()
    platform.faults.fail("runtime.ready", PermanentError("It does not answer."))
    again = await running.operations.create_project(platform.project("shop"))
    assert await running.ended(again) is Status.REVERTED
    assert await platform.inventory() == frozenset()
    assert await running.ledger.list() == ()


async def test_of_a_route_whose_environment_is_gone(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    platform.push("shop", "feature")
    hold = platform.faults.hold("runtime.ready")
    making = await running.operations.deploy("shop", branch="feature")
    await hold.reached.wait()
    platform.faults.fail("router.put")
    hold.release()
    assert await running.ended(making) is Status.FAILED
    platform.faults.mend()
    await running.ended(await running.operations.remove_preview("shop", "feature"))
    await running.engine.retry(making)
    assert await running.ended(making) is Status.REVERTED
    assert platform.router.routes.keys() == {"shop--production"}
    assert await running.differences() == ()
