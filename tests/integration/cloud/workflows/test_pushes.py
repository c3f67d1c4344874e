"""Pushes to the platform's own remotes: who may, and what follows."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from euryale.cloud.jobs import reconciler
from euryale.cloud.modules.access import Access, Role
from euryale.cloud.modules.ledger import Family
from euryale.cloud.modules.projects import NewProject
from euryale.cloud.providers.source.remotes import Push, RefChange, Remotes
from euryale.cloud.pushes import Pushes
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.framework.container import value
from euryale.kit.secret import Secret

NEW = "f" * 40


class OwnRepositories:
    """The platform's own repositories, which are those that the memory source has."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def address(self, name: str) -> str:
        return f"memory:{name}"

    def clone_url(self, name: str) -> str:
        return f"http://git.invalid/{name}.git"

    async def delete(self, name: str) -> None:
        self.names.discard(name)

    async def sweep(self) -> int:
        return 0

    async def inventory(self) -> frozenset[str]:
        return frozenset(self.names)


@pytest.fixture
def remotes() -> OwnRepositories:
    return OwnRepositories()


@pytest.fixture
async def running(platform: MemoryPlatform, remotes: OwnRepositories) -> AsyncIterator[RunningPlatform]:
    async with platform.running(value(remotes, as_=Remotes)) as running:
        yield running


def push(*changes: tuple[str, str | None]) -> Push:
    return Push("shop", tuple(RefChange(ref, None, after) for ref, after in changes), "push_1")


async def test_a_push_deploys_and_a_deletion_removes(platform: MemoryPlatform, running: RunningPlatform) -> None:
    await running.create("shop")
    pushes = running.container.resolve(Pushes)
    head = platform.push("shop", "feature")
    await pushes.take(push(("refs/heads/gone", NEW), ("refs/tags/v1", NEW), ("refs/heads/feature", head)))
    await running.settled()
    assert platform.serving("shop--feature") == "shop--feature/web-1", "what cannot be followed holds nothing up"
    platform.source.delete_branch("memory:shop", "feature")
    await pushes.take(push(("refs/heads/feature", None), ("refs/heads/main", None)))
    await running.settled()
    assert platform.serving("shop--feature") == ""
    assert platform.serving("shop--production") == "shop--production/web-1", "production stays"
    assert await running.differences() == ()


async def test_a_repository_that_another_project_is_made_from_stays(
    platform: MemoryPlatform, running: RunningPlatform, remotes: OwnRepositories
) -> None:
    await running.create("shop")
    remotes.names.add("shop")
    await running.ledger.intend(Family.SOURCE, "shop", project="shop", execution="")
    await running.ended(await running.operations.create_project(NewProject("twin", "memory:shop")))
    await running.ended(await running.operations.delete_project("shop"))
    assert remotes.names == {"shop"}, "the other one needs it"
    assert await running.differences() == ()


async def test_a_repository_goes_with_its_project(running: RunningPlatform, remotes: OwnRepositories) -> None:
    await running.create("shop")
    remotes.names.add("shop")
    await running.ledger.intend(Family.SOURCE, "shop", project="shop", execution="")
    await running.ended(await running.operations.delete_project("shop"))
    assert remotes.names == set()
    assert await running.ledger.list() == ()


async def test_a_push_to_a_repository_without_a_project_is_kept_for_one(running: RunningPlatform) -> None:
    await running.container.resolve(Pushes).take(push(("refs/heads/main", NEW)))
    assert await running.engine.list() == ()


async def test_only_tokens_may_push(running: RunningPlatform) -> None:
    pushes, access = running.container.resolve(Pushes), running.container.resolve(Access)
    token = (await access.issue("ci", Role.MEMBER)).value
    assert not await pushes.authorize("git", Secret("wrong"), "shop", "git-receive-pack")
    assert await running.ledger.list() == ()
    assert await pushes.authorize("git", token, "shop", "git-upload-pack")
    assert await running.ledger.list() == ()
    assert await pushes.authorize("git", token, "shop", "git-receive-pack")
    assert [(each.family, each.name) for each in await running.ledger.list()] == [(Family.SOURCE, "shop")]


async def test_a_repository_of_a_refused_push_is_struck_out(
    platform: MemoryPlatform, running: RunningPlatform, remotes: OwnRepositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running.create("shop")
    pushes, access = running.container.resolve(Pushes), running.container.resolve(Access)
    token = (await access.issue("ci", Role.MEMBER)).value
    for name in ("refused", "taken", "shop"):
        assert await pushes.authorize("git", token, name, "git-receive-pack")
    remotes.names.add("taken")
    await running.reconciler.reconcile()
    assert await running.differences() == ("missing source:refused", "missing source:shop"), "it may be on its way"
    monkeypatch.setattr(reconciler, "_NEVER_MADE_AFTER", timedelta(0))
    await running.reconciler.reconcile()
    assert await running.differences() == ("missing source:shop",), "a project is made from it: it is lost"
