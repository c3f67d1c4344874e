"""The real git client against the platform's remote."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.providers.source.git.http_app import GitHttpApp
from euryale.cloud.providers.source.git.remote import GitRemotes
from euryale.cloud.providers.source.remotes import Push, RefChange
from euryale.kit.secret import Secret
from eventually import eventually
from git_repository import Repository, add_commit, clone_with_commit, git, try_git
from http_server import serving

TOKEN = "eury_t0ken"
GREETING = "Follow it with: euryale logs -f {name}"
MAX_PACK = 40 * 1024 * 1024


@dataclass
class Platform:
    remotes: GitRemotes
    app: GitHttpApp
    url: str = ""
    pushed: list[Push] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    failure: Exception | None = None

    def clone_url(self, name: str, token: str = TOKEN) -> str:
        return f"{self.url}/{name}.git".replace("://", f"://ada:{token}@")

    async def after(self, pushes: int) -> list[Push]:
        await eventually(lambda: len(self.pushed) >= pushes)
        assert len(self.pushed) == pushes
        return self.pushed


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async def authorize(user: str, password: Secret, name: str, service: str) -> bool:
        there.asked.append((user, name, service))
        return password == Secret(TOKEN) and name != "forbidden"

    async def on_push(push: Push) -> None:
        if there.failure is not None:
            raise there.failure
        there.pushed.append(push)

    remotes = GitRemotes(tmp_path / "remotes", max_pack_bytes=MAX_PACK)
    there = Platform(remotes, GitHttpApp(remotes, authorize=authorize, on_push=on_push, greeting=GREETING))
    outer = FastAPI()
    outer.mount("/git", there.app)
    async with serving(outer) as url:
        there.url = f"{url}/git"
        yield there


async def test_the_first_push_makes_the_repository_and_is_reported(platform, tmp_path):
    commit = clone_with_commit(tmp_path / "work", {"a": b"1"})
    status, said = await try_git("push", platform.clone_url("shop"), "main", cwd=tmp_path / "work")
    assert status == 0, said
    assert f"remote: Euryale: received main at {commit[:12]}" in said
    assert "remote: Follow it with: euryale logs -f shop" in said
    (push,) = await platform.after(1)
    assert (push.name, push.changes) == ("shop", (RefChange("refs/heads/main", None, commit),))
    assert await platform.remotes.inventory() == {"shop"}
    await eventually(lambda: not any(platform.remotes.spool.root.iterdir()))
    assert set(platform.asked) == {("ada", "shop", "git-receive-pack")}


async def test_what_was_pushed_can_be_cloned(platform, tmp_path):
    commit = clone_with_commit(tmp_path / "work", {"a": b"1", "b/c": b"2"}, branch="trunk")
    assert (await try_git("push", platform.clone_url("shop"), "trunk", cwd=tmp_path / "work"))[0] == 0
    status, said = await try_git("clone", platform.clone_url("shop"), "back", cwd=tmp_path)
    assert status == 0, said
    assert git("rev-parse", "HEAD", cwd=tmp_path / "back") == commit
    assert git("branch", "--show-current", cwd=tmp_path / "back") == "trunk"
    assert (tmp_path / "back" / "b" / "c").read_bytes() == b"2"
    shallow, _ = await try_git("clone", "--depth=1", platform.clone_url("shop"), "shallow", cwd=tmp_path)
    assert shallow == 0


async def test_every_kind_of_change_is_reported_exactly(platform, tmp_path):
    work, url = tmp_path / "work", platform.clone_url("shop")
    first = clone_with_commit(work, {"a": b"1"})
    await try_git("push", url, "main", cwd=work)
    second = add_commit(work, {"a": b"2"})
    await try_git("push", url, "main", "main:feature/$(touch${IFS}pwned);é", "main:refs/tags/v1", cwd=work)
    git("reset", "--quiet", "--hard", first, cwd=work)
    other = add_commit(work, {"a": b"3"})
    assert (await try_git("push", url, "main", cwd=work))[0] != 0
    assert (await try_git("push", "--force", url, "main", cwd=work))[0] == 0
    status, said = await try_git("push", url, ":feature/$(touch${IFS}pwned);é", cwd=work)
    assert status == 0
    assert "is deleted" in said
    pushed = [push.changes for push in await platform.after(4)]
    odd = "refs/heads/feature/$(touch${IFS}pwned);é"
    assert pushed[0] == (RefChange("refs/heads/main", None, first),)
    assert set(pushed[1]) == {
        RefChange("refs/heads/main", first, second),
        RefChange(odd, None, second),
        RefChange("refs/tags/v1", None, second),
    }
    assert pushed[2:] == [(RefChange("refs/heads/main", second, other),), (RefChange(odd, second, None),)]
    assert not list(tmp_path.rglob("pwned"))


async def test_the_default_branch_may_be_deleted_and_head_moves_on(platform, tmp_path):
    work, url = tmp_path / "work", platform.clone_url("shop")
    clone_with_commit(work, {"a": b"1"})
    await try_git("push", url, "main", "main:other", cwd=work)
    assert (await try_git("push", url, ":main", cwd=work))[0] == 0
    assert git("symbolic-ref", "HEAD", cwd=platform.remotes.path("shop")) == "refs/heads/other"


async def test_pushes_at_once_are_all_reported(platform, tmp_path):
    works = [tmp_path / f"work{number}" for number in range(6)]
    commits = {f"refs/heads/b{n}": clone_with_commit(work, {"a": b"%d" % n}) for n, work in enumerate(works)}
    url = platform.clone_url("shop")
    done = await asyncio.gather(*(try_git("push", url, f"main:b{n}", cwd=work) for n, work in enumerate(works)))
    assert [status for status, _ in done] == [0] * 6
    pushed = await platform.after(6)
    assert {change.ref: change.after for push in pushed for change in push.changes} == commits
    assert len({push.id for push in pushed}) == 6


async def test_of_two_pushes_to_one_branch_only_the_taken_is_reported(platform, tmp_path):
    works = [tmp_path / f"work{number}" for number in range(4)]
    commits = [clone_with_commit(work, {"a": b"%d" % n}) for n, work in enumerate(works)]
    done = await asyncio.gather(*(try_git("push", platform.clone_url("shop"), "main", cwd=work) for work in works))
    assert [status for status, _ in done].count(0) == 1
    winner = commits[[status for status, _ in done].index(0)]
    (push,) = await platform.after(1)
    assert push.changes == (RefChange("refs/heads/main", None, winner),)
    await eventually(lambda: _settled(platform.remotes))


async def _settled(remotes: GitRemotes) -> bool:
    return await remotes.pending() == () and not any(remotes.spool.root.iterdir())


@pytest.mark.parametrize("token", ["wrong", ""])
async def test_a_wrong_token_is_refused_in_gits_own_words(platform, tmp_path, token):
    clone_with_commit(tmp_path / "work", {"a": b"1"})
    status, said = await try_git("push", platform.clone_url("shop", token), "main", cwd=tmp_path / "work")
    assert status != 0
    assert "Authentication failed" in said or "could not read Password" in said
    status, said = await try_git("push", f"{platform.url}/shop.git", "main", cwd=tmp_path / "work")
    assert status != 0
    assert "could not read Username" in said
    assert await platform.remotes.inventory() == frozenset()
    assert platform.pushed == []


async def test_a_name_that_may_not_be_made_is_not_made(platform, tmp_path):
    clone_with_commit(tmp_path / "work", {"a": b"1"})
    assert (await try_git("push", platform.clone_url("forbidden"), "main", cwd=tmp_path / "work"))[0] != 0
    assert not platform.remotes.exists("forbidden")


async def test_cloning_what_is_not_there_makes_nothing(platform, tmp_path):
    status, said = await try_git("clone", platform.clone_url("nope"), cwd=tmp_path)
    assert status != 0
    assert "not found" in said
    assert not platform.remotes.exists("nope")


@pytest.mark.parametrize(
    "path",
    [
        "/shop.git/HEAD",
        "/shop.git/config",
        "/shop.git/objects/info/packs",
        "/shop.git/info/refs",
        "/%2e%2e/remotes/shop.git/info/refs?service=git-upload-pack",
        "/shop.git/%2e%2e/.euryale/gitconfig",
        "/.euryale/info/refs?service=git-upload-pack",
    ],
)
async def test_no_file_is_handed_out(platform, path):
    await platform.remotes.create("shop")
    async with httpx.AsyncClient(auth=("ada", TOKEN)) as client:
        answer = await client.get(platform.url + path)
    assert answer.status_code in {403, 404}
    assert "[core]" not in answer.text


async def test_a_challenge_names_basic_authentication(platform):
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{platform.url}/shop.git/info/refs?service=git-upload-pack")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Basic realm="Euryale"')


async def test_big_packs_are_streamed_both_ways(platform, tmp_path):
    content = os.urandom(20 * 1024 * 1024)
    commit = clone_with_commit(tmp_path / "work", {"big": content})
    status, said = await try_git("push", platform.clone_url("shop"), "main", cwd=tmp_path / "work")
    assert status == 0, said
    assert (await platform.after(1))[0].changes[0].after == commit
    assert (await try_git("clone", platform.clone_url("shop"), "back", cwd=tmp_path))[0] == 0
    assert (tmp_path / "back" / "big").read_bytes() == content


async def test_a_pack_over_the_limit_is_refused_and_nothing_stays(platform, tmp_path):
    clone_with_commit(tmp_path / "work", {"big": os.urandom(MAX_PACK + 1024 * 1024)})
    status, said = await try_git("push", platform.clone_url("shop"), "main", cwd=tmp_path / "work")
    assert status != 0
    assert "exceeds maximum allowed size" in said
    assert await platform.remotes.refs("shop") == {}
    assert not list(platform.remotes.path("shop").glob("objects/pack/*.pack"))


async def test_broken_objects_are_refused(platform, tmp_path):
    evil = Repository(tmp_path / "evil")
    tree = git("mktree", cwd=evil.path, stdin=f"100644 blob {evil.blob(b'x')}\t.gitmodules\n".encode())
    inner = git("mktree", cwd=evil.path, stdin=f"040000 tree {tree}\t.git\n".encode())
    evil.commit_tree("main", inner)
    status, said = await try_git("push", platform.clone_url("shop"), "main", cwd=evil.path)
    assert status != 0
    assert "hasDotgit" in said
    assert platform.pushed == []


async def test_gzipped_requests_are_understood(platform, tmp_path):
    commit = clone_with_commit(tmp_path / "work", {"a": b"1"})
    await try_git("push", platform.clone_url("shop"), "main", cwd=tmp_path / "work")
    want = f"want {commit} ofs-delta no-progress\n".encode()
    body = b"%04x%s00000009done\n" % (len(want) + 4, want)
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Content-Encoding": "gzip"}

    async def chunks() -> AsyncIterator[bytes]:
        packed = gzip.compress(body)
        yield packed[:7]
        yield packed[7:]

    async with httpx.AsyncClient(auth=("ada", TOKEN)) as client:
        for content in (gzip.compress(body), chunks()):
            answer = await client.post(f"{platform.url}/shop.git/git-upload-pack", content=content, headers=headers)
            assert answer.status_code == 200
            assert answer.content.startswith(b"0008NAK\nPACK")


async def test_a_push_that_cannot_be_acted_upon_stays_pending(platform, tmp_path):
    platform.failure = PermanentError("the database is down")
    commit = clone_with_commit(tmp_path / "work", {"a": b"1"})
    assert (await try_git("push", platform.clone_url("shop"), "main", cwd=tmp_path / "work"))[0] == 0
    (push,) = await eventually(platform.remotes.pending)
    assert push.changes[0].after == commit
    assert await platform.app.deliver() == 0
    platform.failure = None
    assert await platform.app.deliver() == 1
    assert platform.pushed == [push]
    assert await platform.app.deliver() == 0


async def test_a_client_that_goes_away_in_the_middle_leaves_nothing_running(platform, tmp_path):
    await platform.remotes.create("shop")
    began = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"0000"
        began.set()
        await asyncio.Event().wait()

    async with httpx.AsyncClient(auth=("ada", TOKEN), timeout=30) as client:
        headers = {"Content-Type": "application/x-git-receive-pack-request"}
        url = f"{platform.url}/shop.git/git-receive-pack"
        post = asyncio.create_task(client.post(url, content=endless(), headers=headers))
        await began.wait()
        await eventually(lambda: _gits(platform.remotes))
        post.cancel()
        await asyncio.gather(post, return_exceptions=True)
    await eventually(lambda: not _gits(platform.remotes))


def _gits(remotes: GitRemotes) -> list[int]:
    """Return the processes that work for these remotes."""
    mark = f"GIT_PROJECT_ROOT={remotes.root}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def test_a_deleted_repository_takes_its_pushes_with_it(platform, tmp_path):
    platform.failure = PermanentError("later")
    clone_with_commit(tmp_path / "work", {"a": b"1"})
    await try_git("push", platform.clone_url("shop"), "main", cwd=tmp_path / "work")
    await eventually(platform.remotes.pending)
    await platform.remotes.delete("shop")
    await platform.remotes.delete("shop")
    assert await platform.remotes.pending() == ()
    assert await platform.remotes.inventory() == frozenset()
    assert [path.name for path in platform.remotes.root.iterdir()] == [".euryale"]


async def test_making_a_repository_many_times_at_once_makes_one(platform):
    addresses = await asyncio.gather(*(platform.remotes.create("shop") for _ in range(8)))
    assert set(addresses) == {"euryale:shop"}
    assert {path.name for path in platform.remotes.root.iterdir()} == {".euryale", "shop.git"}


async def test_wreckage_of_a_killed_git_is_swept_when_it_is_old(platform, tmp_path):
    commit = clone_with_commit(tmp_path / "work", {"a": b"1"})
    await platform.remotes.create("shop")
    lock = platform.remotes.path("shop") / "refs" / "heads" / "main.lock"
    lock.touch()
    assert await platform.remotes.sweep() == 0
    assert (await try_git("push", platform.clone_url("shop"), "main", cwd=tmp_path / "work"))[0] != 0
    os.utime(lock, (1, 1))
    assert await platform.remotes.sweep() == 1
    assert (await try_git("push", platform.clone_url("shop"), "main", cwd=tmp_path / "work"))[0] == 0
    assert (await platform.after(1))[0].changes[0].after == commit
