from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from euryale.cloud.modules.deployments import (
    CHOSEN,
    DEPLOYMENTS,
    Deployment,
    Deployments,
    DeploymentState,
    NewDeployment,
    Snapshot,
    UnknownDeploymentError,
)
from euryale.framework.testing import temporary_database
from euryale.kit.secret import Secret


@pytest.fixture
async def deployments(tmp_path: Path) -> AsyncIterator[Deployments]:
    async with temporary_database(tmp_path, DEPLOYMENTS) as database:
        yield Deployments(database)


async def opened(deployments: Deployments, execution: str, environment: str = "env", cause: str = "push") -> Deployment:
    new = NewDeployment("proj", environment, "c0ffee", "change", "Ada", "main", cause, execution, execution)
    return await deployments.open(new)


async def test_are_numbered_by_environment(deployments: Deployments) -> None:
    first = await opened(deployments, "e1")
    assert (await opened(deployments, "e1")).id == first.id
    second, other = await opened(deployments, "e2"), await opened(deployments, "e3", "another")
    assert [each.number for each in (first, second, other)] == [1, 2, 1]
    assert (await deployments.newest("env")).id == second.id
    assert [each.number for each in await deployments.of_environment("env")] == [2, 1]
    assert [each.id for each in await deployments.list(project_id="proj", limit=2)] == [other.id, second.id]
    assert [each.id for each in await deployments.list(project_id="proj", before=second.id)] == [first.id]
    assert [each.id for each in await deployments.under_way("env")] == [first.id, second.id]


async def test_the_newest_may_be_one_that_nobody_chose(deployments: Deployments) -> None:
    assert await deployments.newest("env", chosen=False) is None
    followed, chosen = await opened(deployments, "e1"), await opened(deployments, "e2", cause=CHOSEN)
    assert await deployments.newest("env") == chosen
    assert await deployments.newest("env", chosen=False) == followed


async def test_every_change_of_state_is_recorded(deployments: Deployments) -> None:
    deployment = await opened(deployments, "e1")
    await deployments.move(deployment.id, DeploymentState.BUILDING)
    await deployments.move(deployment.id, DeploymentState.BUILDING)
    await deployments.end(deployment.id, DeploymentState.BUILD_FAILED, "exit 1")
    await deployments.move(deployment.id, DeploymentState.BUILT)
    await deployments.end(deployment.id, DeploymentState.CANCELED, "too late")
    found = await deployments.get(deployment.id)
    assert (found.state, found.reason) == (DeploymentState.BUILD_FAILED, "exit 1")
    assert [(each.state.value, each.cause) for each in found.transitions] == [
        ("created", "push"),
        ("building", ""),
        ("build_failed", "exit 1"),
    ]
    assert found.ended_at == found.transitions[-1].at or found.ended_at is not None


async def test_one_is_live_at_a_time(deployments: Deployments) -> None:
    first, second, third = [await opened(deployments, f"e{number}") for number in (1, 2, 3)]
    for each in (first, second, second):
        await deployments.go_live(each.id)
    assert (await deployments.live("env")).id == second.id
    assert (await deployments.get(first.id)).state is DeploymentState.SUPERSEDED
    await deployments.go_live(third.id)
    for _ in range(2):  # a repetition changes nothing
        await deployments.step_down(third.id, DeploymentState.CANCELED, "It was cancelled.")
        assert (await deployments.live("env")).id == second.id
    assert (await deployments.get(first.id)).state is DeploymentState.SUPERSEDED
    assert (await deployments.get(third.id)).state is DeploymentState.CANCELED


async def test_one_that_was_never_live_hands_back_nothing(deployments: Deployments) -> None:
    first, second, third = [await opened(deployments, f"e{number}") for number in (1, 2, 3)]
    await deployments.go_live(first.id)
    await deployments.go_live(second.id)
    await deployments.step_down(third.id, DeploymentState.DEPLOY_FAILED, "unhealthy")
    assert (await deployments.live("env")).id == second.id
    assert (await deployments.get(first.id)).state is DeploymentState.SUPERSEDED


async def test_the_first_snapshot_stays(deployments: Deployments) -> None:
    deployment = await opened(deployments, "e1")
    assert await deployments.snapshot(deployment.id) == Snapshot()
    snapshot = Snapshot({"A": Secret("1")}, {"B": Secret("2")}, "{}")
    await deployments.keep_snapshot(deployment.id, snapshot)
    await deployments.keep_snapshot(deployment.id, Snapshot(plan="other"))
    assert await deployments.snapshot(deployment.id) == snapshot


async def test_are_forgotten_with_their_environment_or_project(deployments: Deployments) -> None:
    first, other = await opened(deployments, "e1"), await opened(deployments, "e2", "another")
    assert await deployments.forget_environment("env") == (first.id,)
    with pytest.raises(UnknownDeploymentError):
        await deployments.get(first.id)
    assert await deployments.by_execution("e1") is None
    assert await deployments.forget_project("proj") == (other.id,)
    assert await deployments.forget_project("proj") == ()


async def test_what_is_learned_on_the_way_is_kept(deployments: Deployments) -> None:
    deployment = await opened(deployments, "e1")
    await deployments.describe(deployment.id, artifact="/a", address="127.0.0.1:1")
    await deployments.describe(deployment.id, instance="web-1", warning="slow")
    found = await deployments.get(deployment.id)
    assert (found.artifact, found.address, found.instance, found.warning) == ("/a", "127.0.0.1:1", "web-1", "slow")
