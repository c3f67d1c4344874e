"""The git source against real repositories, hostile ones too."""

import asyncio
import logging
import os
import shutil
import socket
import stat
from pathlib import Path

import pytest

from euryale.cloud.providers.errors import AccessDeniedError, PermanentError, ProviderUnavailableError
from euryale.cloud.providers.source.contract import InvalidRepositoryError, UnknownRefError, UnknownRepositoryError
from euryale.cloud.providers.source.git.http_app import GitHttpApp
from euryale.cloud.providers.source.git.remote import GitRemotes
from euryale.cloud.providers.source.git.source import GitSource
from euryale.kit.secret import Secret
from eventually import eventually
from git_repository import Repository, git
from http_server import serving

LINK = "120000"


@pytest.fixture
def there(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "there.git")


@pytest.fixture
def source(tmp_path: Path) -> GitSource:
    return GitSource(tmp_path / "copies")


async def test_executables_and_inner_links_are_kept(there, source, tmp_path):
    files = {"run.sh": b"#!/bin/sh\n", "plain": b"", "bin/run": b"../run.sh", "dangling": b"bin/nothing"}
    modes = {"run.sh": "100755", "bin/run": LINK, "dangling": LINK}
    commit = there.commit("main", files, modes=modes)
    assert set(await source.files(str(there.path), commit)) == {"run.sh", "plain"}
    await source.checkout(str(there.path), commit, tmp_path / "into")
    assert stat.S_IMODE((tmp_path / "into" / "run.sh").stat().st_mode) & 0o111
    assert not stat.S_IMODE((tmp_path / "into" / "plain").stat().st_mode) & 0o111
    assert (tmp_path / "into" / "bin" / "run").resolve() == (tmp_path / "into" / "run.sh").resolve()
    assert (tmp_path / "into" / "dangling").readlink() == Path("bin/nothing")
    assert not (tmp_path / "into" / ".git").exists()


@pytest.mark.parametrize(
    "links",
    [
        {"sub/leak": "/etc/passwd"},
        {"leak": ".."},
        {"sub/leak": "a/../../../x"},
        {"sub/up": "..", "sub/leak": "up/../x"},
    ],
)
async def test_links_that_lead_out_are_refused_by_name(there, source, tmp_path, links):
    files = {"ok": b"1"} | {name: target.encode() for name, target in links.items()}
    commit = there.commit("main", files, modes=dict.fromkeys(links, LINK))
    with pytest.raises(PermanentError, match=r"'(sub/)?leak'"):
        await source.checkout(str(there.path), commit, tmp_path / "into")
    assert not (tmp_path / "into").exists()


async def test_reading_a_link_is_refused(there, source):
    commit = there.commit("main", {"l": b"/etc/passwd"}, modes={"l": LINK})
    with pytest.raises(UnknownRefError):
        await source.read(str(there.path), commit, "l")


@pytest.mark.parametrize("name", [".git", ".GIT", ".g\u200cit", "git~1"])
async def test_trees_that_hide_a_git_directory_are_refused(there, source, tmp_path, name):
    inner = git("mktree", cwd=there.path, stdin=f"100644 blob {there.blob(b'[core]')}\tconfig\n".encode())
    tree = git("mktree", cwd=there.path, stdin=f"040000 tree {inner}\t{name}\n".encode())
    commit = there.commit_tree("main", tree)
    with pytest.raises(PermanentError):
        await source.checkout(str(there.path), commit, tmp_path / "into")
    assert not (tmp_path / "into").exists()


async def test_a_tree_that_climbs_is_refused(there, source, tmp_path):
    inner = git("mktree", cwd=there.path, stdin=f"100644 blob {there.blob(b'x')}\tout\n".encode())
    tree = git("mktree", cwd=there.path, stdin=f"040000 tree {inner}\t..\n".encode())
    commit = there.commit_tree("main", tree)
    with pytest.raises(PermanentError):
        await source.checkout(str(there.path), commit, tmp_path / "deep" / "into")
    assert not (tmp_path / "deep" / "out").exists()


async def test_attributes_leave_no_file_out_and_run_no_filter(there, source, tmp_path):
    attributes = b"* export-ignore\n*.txt filter=lfs export-subst\n"
    commit = there.commit("main", {".gitattributes": attributes, "a.txt": b"$Format:%H$\n"})
    await source.checkout(str(there.path), commit, tmp_path / "into")
    assert (tmp_path / "into" / "a.txt").read_bytes() == b"$Format:%H$\n"


async def test_a_submodule_is_an_empty_directory(there, source, tmp_path):
    line = f"160000 commit {'1' * 40}\tsub\n100644 blob {there.blob(b'1')}\ta\n"
    commit = there.commit_tree("main", git("mktree", "--missing", cwd=there.path, stdin=line.encode()))
    assert dict(await source.files(str(there.path), commit)) == {"a": 1}
    await source.checkout(str(there.path), commit, tmp_path / "into")
    assert list((tmp_path / "into" / "sub").iterdir()) == []


async def test_names_that_are_no_text_are_checked_out_and_not_listed(there, source, tmp_path):
    blob = there.blob(b"1").encode()
    lines = b"100644 blob %s\tb\xff\n100644 blob %s\ta\n" % (blob, blob)
    commit = there.commit_tree("main", git("mktree", cwd=there.path, stdin=lines))
    assert dict(await source.files(str(there.path), commit)) == {"a": 1}
    await source.checkout(str(there.path), commit, tmp_path / "into")
    assert {os.fsencode(path.name) for path in (tmp_path / "into").iterdir()} == {b"a", b"b\xff"}


async def test_a_checkout_that_was_killed_is_made_whole(there, source, tmp_path):
    commit = there.commit("main", {"a": b"1"})
    wreck = tmp_path / ".into.checkout"
    (wreck / "tree" / "old").mkdir(parents=True)
    (wreck / "index.lock").touch()
    (wreck / "replaced").mkdir()
    await source.checkout(str(there.path), commit, tmp_path / "into")
    assert sorted(path.name for path in (tmp_path / "into").iterdir()) == ["a"]
    assert not wreck.exists()


async def test_a_fetch_that_was_killed_blocks_no_later_one(there, source, tmp_path):
    there.commit("main", {"a": b"1"})
    await source.resolve(str(there.path), "main")
    (copy,) = (tmp_path / "copies").glob("*.git")
    for wreck in ("packed-refs.lock", "refs/heads/main.lock", "shallow.lock", "objects/pack/tmp_pack_x"):
        (copy / wreck).touch()
    newer = there.commit("main", {"a": b"2"})
    assert (await source.resolve(str(there.path), "main")).sha == newer
    assert not (copy / "objects/pack/tmp_pack_x").exists()


async def test_what_is_here_needs_no_network(there, source, tmp_path):
    commit = there.commit("main", {"a": b"1"})
    await source.resolve(str(there.path), "main")
    there.path.rename(tmp_path / "away")
    there.path.mkdir()
    assert await source.read(str(there.path), commit, "a") == b"1"
    with pytest.raises(UnknownRepositoryError):
        await source.resolve(str(there.path), "main")


async def test_a_commit_that_no_branch_holds_is_fetched_by_its_hash(there, source):
    there.commit("main", {"a": b"1"})
    hidden = there.commit("pr", {"a": b"2"})
    git("update-ref", "refs/pull/1/head", hidden, cwd=there.path)
    there.delete_branch("pr")
    assert (await source.resolve(str(there.path), hidden)).sha == hidden
    assert await source.read(str(there.path), hidden, "a") == b"2"


async def test_a_force_push_and_a_branch_turned_directory_are_followed(there, source):
    first = there.commit("topic", {"a": b"1"})
    await source.resolve(str(there.path), "topic")
    there.delete_branch("topic")
    nested = there.commit("topic/nested", {"a": b"2"})
    assert (await source.resolve(str(there.path), "topic/nested")).sha == nested
    git("update-ref", "refs/heads/topic/nested", first, cwd=there.path)
    assert (await source.resolve(str(there.path), "topic/nested")).sha == first
    assert await source.heads(str(there.path)) == {"topic/nested": first}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_a_repository_of_another_user_is_read(there, source):
    commit = there.commit("main", {"a": b"1"})
    for path in (there.path, *there.path.rglob("*")):
        os.chown(path, 65534, 65534)
    assert (await source.resolve(f"file://{there.path}", "main")).sha == commit


async def test_hooks_and_settings_of_the_machine_and_the_repository_do_not_run(there, source, tmp_path, monkeypatch):
    pwned = tmp_path / "pwned"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {pwned}\n")
    script.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {tmp_path}\n\tfsmonitor = {script}\n[protocol]\n\tallow=never\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    git("config", "uploadpack.packObjectsHook", str(script), cwd=there.path)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        shutil.copy(script, there.path / "hooks" / name)
    commit = there.commit("main", {"a": b"1"})
    pwned.unlink(missing_ok=True)
    await source.checkout(str(there.path), commit, tmp_path / "into")
    assert not pwned.exists()


async def test_the_platforms_own_directories_are_not_read_by_path(tmp_path):
    remotes = GitRemotes(tmp_path / "remotes")
    await remotes.create("other")
    source = GitSource(tmp_path / "copies", remotes=remotes)
    (tmp_path / "link").symlink_to(remotes.path("other"))
    for address in (remotes.path("other"), tmp_path / "link", tmp_path / "copies" / "x.git"):
        with pytest.raises(InvalidRepositoryError):
            await source.inspect(str(address))


async def test_the_platforms_own_repositories_are_closed_to_other_accounts(tmp_path):
    remotes = GitRemotes(tmp_path / "remotes")
    await remotes.create("shop")
    assert remotes.root.stat().st_mode & 0o777 == 0o700


async def test_only_accepted_schemes_are_reached(there, tmp_path):
    source = GitSource(tmp_path / "copies", schemes={"https", "ssh"})
    with pytest.raises(InvalidRepositoryError):
        await source.inspect(str(there.path))
    with pytest.raises(InvalidRepositoryError):
        await source.inspect("euryale:shop")


async def test_own_addresses_and_urls_are_the_same_repository(tmp_path):
    remotes = GitRemotes(tmp_path / "remotes", url="https://cloud.example.com/git")
    commit = Repository(remotes.path("shop")).commit("main", {"a": b"1"})
    source = GitSource(tmp_path / "copies", remotes=remotes)
    seen = await source.inspect(remotes.clone_url("shop"))
    assert (seen.address, dict(seen.branches)) == ("euryale:shop", {"main": commit})


async def test_an_unreachable_host_is_worth_another_try(source):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    for address in (f"http://127.0.0.1:{port}/a", f"git://127.0.0.1:{port}/a", "https://nowhere.invalid/a"):
        with pytest.raises(ProviderUnavailableError):
            await source.inspect(address)
    with pytest.raises(ProviderUnavailableError):
        await source.resolve(f"ssh://git@127.0.0.1:{port}/a", "main")


async def test_credentials_are_sent_and_never_shown_or_kept(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    remotes = GitRemotes(tmp_path / "remotes")
    Repository(remotes.path("shop")).commit("main", {"a": b"1"})

    async def authorize(user: str, password: Secret, name: str, service: str) -> bool:
        return password == Secret("s3cr3t")

    async def on_push(push: object) -> None:
        raise AssertionError("nobody pushes here")

    source = GitSource(tmp_path / "copies")
    async with serving(GitHttpApp(remotes, authorize=authorize, on_push=on_push)) as url:
        good, bad = (url.replace("://", f"://ada:{password}@") for password in ("s3cr3t", "wr0ng"))
        seen = await source.inspect(f"{good}/shop.git")
        commit = await source.resolve(f"{good}/shop.git", "main")
        assert seen.address == f"{url}/shop.git"
        for address in (f"{bad}/shop.git", f"{url}/shop.git"):
            with pytest.raises(AccessDeniedError) as denied:
                await source.resolve(address, commit.sha)
            assert "wr0ng" not in str(denied.value)
        with pytest.raises(UnknownRepositoryError) as unknown:
            await source.inspect(f"{good}/nope.git")
        assert "s3cr3t" not in str(unknown.value)
    assert "s3cr3t" not in caplog.text
    for path in (tmp_path / "copies").rglob("*"):
        assert "s3cr3t" not in path.name
        assert path.is_dir() or b"s3cr3t" not in path.read_bytes()


async def test_a_cancelled_caller_and_a_slow_host_leave_no_process(tmp_path):
    met: list[asyncio.StreamWriter] = []  # whoever connects, and is never answered
    server = await asyncio.start_server(lambda _, writer: met.append(writer), "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"
    source = GitSource(tmp_path / "copies", fetch_limit=600, look_limit=600)
    looking = asyncio.create_task(source.inspect(address))
    fetching = asyncio.create_task(source.resolve(address, "main"))
    await eventually(lambda: len(met) == 2)
    assert _gits(tmp_path)
    for task in (looking, fetching):
        task.cancel()
    await asyncio.gather(looking, fetching, return_exceptions=True)
    assert looking.cancelled()
    await eventually(lambda: not _gits(tmp_path))
    with pytest.raises(ProviderUnavailableError, match="took longer"):
        await GitSource(tmp_path / "others", look_limit=0.3).inspect(address)
    await eventually(lambda: not _gits(tmp_path))
    for writer in met:
        writer.close()
    server.close()


def _gits(root: Path) -> list[str]:
    """Return the processes whose git configuration lies below ``root``."""
    mark = f"GIT_CONFIG_GLOBAL={root}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(word.startswith(mark) for word in (process / "environ").read_bytes().split(b"\0")):
                found.append(process.name)
        except OSError:
            continue
    return found


async def test_copies_that_no_project_needs_are_deleted_when_nobody_has_asked_for_an_hour(source, tmp_path):
    used, fresh, old = (Repository(tmp_path / f"{name}.git") for name in ("used", "fresh", "old"))
    for each in (used, fresh, old):
        assert await source.files(str(each.path), each.commit("main", {"a": b"1"})) == {"a": 1}
    for copy in (tmp_path / "copies").glob("*.git"):
        os.utime(copy, (1.0, 1.0))
    await source.resolve(str(fresh.path), "main")
    kept = {copy for copy in (tmp_path / "copies").glob("*.git") if copy.stat().st_mtime > 1}
    await source.sweep({str(used.path), "no address at all"})
    left = set((tmp_path / "copies").glob("*.git"))
    assert len(left) == 2
    assert kept < left
    assert await source.files(str(old.path), old.commit("main", {"a": b"22"})) == {"a": 2}
