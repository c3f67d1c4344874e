"""The command as a person and a program use it, against a platform that is served over HTTP."""

import asyncio
import json
import signal
import stat
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import euryale
from eventually import eventually
from git_repository import GIT_ENV, add_commit, clone_with_commit, git
from memory_platform import BUILT, FAILING, NODE_APP, RUNNING, MemoryPlatform, memory_platform

SOURCE = str(Path(euryale.__file__).parents[1])
EURYALE = Path(sys.executable).with_name("euryale")


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Person:
    """Somebody with a home directory of their own, who has never logged in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.env = {
            **GIT_ENV,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "COLUMNS": "120",
            "PYTHONPATH": SOURCE,
        }

    async def start(self, *words: str, env: Mapping[str, str] | None = None) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            EURYALE, *words, cwd=self.folder, env={**self.env, **(env or {})},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def run(self, *words: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Ran:
        process = await self.start(*words, env=env)
        try:
            async with asyncio.timeout(60):
                out, err = await process.communicate(stdin.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        assert b"Traceback" not in err
        return Ran(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[MemoryPlatform]:
    async with memory_platform(tmp_path, served=True) as running:
        yield running


@pytest.fixture
def stranger(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.fixture
def owner(platform: MemoryPlatform, stranger: Person) -> Person:
    (stranger.home / ".euryale").symlink_to(platform.home.path)
    return stranger


@pytest.fixture
def source(tmp_path: Path) -> Path:
    clone_with_commit(tmp_path / "source", NODE_APP)
    return tmp_path / "source"


async def create(person: Person, source: Path, name: str = "shop") -> None:
    done = await person.run("projects", "create", name, "--source", str(source), "--json")
    assert done.code == 0, done.err


async def test_a_directory_becomes_a_project(owner: Person, platform: MemoryPlatform, source: Path):
    done = await owner.run("projects", "create", "shop", "--source", str(source))
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert "… create-project / create-database" in lines
    assert any(line.startswith("✔ deploy / build-artifact (") for line in lines)
    assert lines[-1].startswith("✔ shop is ready at http://production.shop.localhost/ (")
    shown = await owner.run("projects", "show", "shop", "--json")
    assert (shown.json["project"]["state"], shown.json["project"]["repository"]) == ("ready", "euryale:shop")
    for path in (source / ".git" / "config", source / ".git" / "FETCH_HEAD"):
        assert not path.exists() or platform.token.reveal() not in path.read_text()


async def test_a_push_deploys_and_the_commands_tell_of_it(owner: Person, platform: MemoryPlatform, source: Path):
    await create(owner, source)
    add_commit(source, {"more": b""}, "Second")
    done = await owner.run("projects", "create", "shop", "--source", str(source))
    assert (done.code, "euryale deploy shop" in done.err) == (2, True)
    url = platform.url.replace("http://", f"http://x:{platform.token.reveal()}@")
    await asyncio.to_thread(git, "push", "--quiet", f"{url}/git/shop.git", "HEAD:refs/heads/main", cwd=source)

    async def second() -> bool:
        listed = (await owner.run("deployments", "shop", "--json")).json["deployments"]
        return len(listed) == 2 and listed[0]["state"] == "live"

    await eventually(second, within=20)
    table = (await owner.run("deployments", "shop")).out
    assert "Second" in table
    assert "superseded" in table
    assert "http://production.shop.localhost/" in (await owner.run("environments", "shop")).out
    assert (await owner.run("open", "shop")).out == "http://production.shop.localhost/\n"


async def test_json_is_one_document_a_line_and_the_result_is_the_last(owner: Person, source: Path):
    done = await owner.run("projects", "create", "shop", "--source", str(source), "--json")
    documents = [json.loads(line) for line in done.out.splitlines()]
    assert {each["type"] for each in documents[:-1]} == {"state", "event"}
    assert documents[-1]["type"] == "result"
    assert documents[-1]["execution"]["status"] == "succeeded"
    assert documents[-1]["project"]["url"] == "http://production.shop.localhost/"


async def test_a_failure_says_why_and_leaves_its_log(owner: Person, platform: MemoryPlatform, source: Path):
    await create(owner, source)
    platform.builder.outcome = FAILING
    log = platform.builder.log("shop", "production-2")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("npm ci\nno such package\n")
    failed = await owner.run("deploy", "shop")
    assert failed.code == 1
    assert "✘ deploy / build-artifact" in failed.out
    assert "↶ deploy / build-artifact: undone" in failed.out
    assert failed.err.startswith("Error: deploy did not succeed: npm ci ended with 1:\n  no such package\n")
    assert failed.err.endswith("(cli.operation_failed)\n")
    assert (await owner.run("logs", "shop", "--build")).out == "npm ci\nno such package\n"
    as_json = await owner.run("deploy", "shop", "--json")
    assert (as_json.code, json.loads(as_json.out.splitlines()[-1])["execution"]["status"]) == (1, "reverted")
    assert (await owner.run("projects", "show", "shop", "--json")).json["project"]["state"] == "ready"


async def test_executions_are_listed_and_shown(owner: Person, source: Path):
    await create(owner, source)
    listed = (await owner.run("executions", "list", "--json")).json["executions"]
    assert [each["workflow"] for each in listed] == ["create-project"]
    everything = (await owner.run("executions", "list", "--all", "--json")).json["executions"]
    assert len(everything) > 1
    shown = await owner.run("executions", "show", listed[0]["id"])
    assert "  build-artifact" in shown.out
    followed = await owner.run("executions", "show", listed[0]["id"], "--follow")
    assert (followed.code, "✔ deploy / go-live" in followed.out) == (0, True)
    assert (await owner.run("executions", "retry", listed[0]["id"])).code == 1
    assert (await owner.run("executions", "cancel", listed[0]["id"], "--json")).json == {"accepted": False}


async def test_an_execution_is_watched_drawn_and_forked(owner: Person, platform: MemoryPlatform, source: Path):
    await create(owner, source)
    (created,) = (await owner.run("executions", "list", "--json")).json["executions"]
    watched = await owner.run("executions", "watch", created["id"])
    assert (watched.code, "✔ deploy / go-live" in watched.out) == (0, True)
    shown = await owner.run("executions", "show", created["id"], "--json")
    history = shown.json["history"]
    attempts = {node["id"]: node["attempts"] for node in history["nodes"]}
    assert attempts["validate-repository"][0]["outcome"] == "succeeded"
    assert attempts["validate-repository"][0]["input"]
    assert attempts["validate-repository"][0]["worker"] == history["workers"][0]["worker"]
    assert platform.token.reveal() not in shown.out
    assert (await owner.run("executions", "list", "--before", created["id"], "--all", "--json")).json[
        "executions"
    ] == []
    drawn = await owner.run("workflows", "graph", "create-project", "--execution", created["id"], "--format", "svg")
    assert "validate-repository: step · succeeded" in drawn.out
    assert "flowchart TD" in (await owner.run("workflows", "graph", "deploy")).out
    assert "create-project" in (await owner.run("workflows", "list")).out
    assert (await owner.run("workflows", "graph", "deploy", "--execution", created["id"])).code == 2
    assert "No workflow is called 'nothing'" in (await owner.run("workflows", "graph", "nothing")).err
    assert "has no step" in (await owner.run("executions", "fork", created["id"], "--from", "nothing")).err
    last = history["nodes"][-1]["id"]
    forked = await owner.run("executions", "fork", created["id"], "--from", last, "--json")
    assert forked.code == 0, forked.err
    again = await owner.run("executions", "watch", forked.json["execution"])
    assert again.code == 0, again.err


async def test_an_execution_is_done_again_from_its_beginning(owner: Person, source: Path):
    await create(owner, source)
    (created,) = (await owner.run("executions", "list", "--json")).json["executions"]
    again = await owner.run("executions", "rerun", created["id"], "--id", "again")
    assert (again.code, again.out) == (0, "It is again. Follow it: euryale executions watch again\n"), again.err
    watched = await owner.run("executions", "watch", "again")
    assert watched.code == 1
    assert "A project called 'shop' exists" in watched.err, "it was done with the same input"
    assert f"re-run of {created['id']}" in (await owner.run("executions", "show", "again")).out
    joined = await owner.run("executions", "rerun", created["id"], "--id", "again", "--json")
    assert joined.json == {"execution": "again"}
    assert "ready" in (await owner.run("projects", "list")).out
    assert "workflows.unknown_execution" in (await owner.run("executions", "rerun", "nope")).err
    taken = await owner.run("executions", "rerun", created["id"], "--id", created["id"])
    assert (taken.code, "workflows.idempotency" in taken.err) == (1, True)


async def test_stopping_to_wait_leaves_the_operation_alone(owner: Person, platform: MemoryPlatform, source: Path):
    platform.builder.outcome = RUNNING
    process = await owner.start("projects", "create", "shop", "--source", str(source))
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while "build-artifact" not in (await process.stdout.readline()).decode():
            pass
        process.send_signal(signal.SIGINT)
        told = (await process.stderr.read()).decode()
        assert await process.wait() == 130
    assert "Traceback" not in told
    follow = told.strip().removeprefix("The operation goes on. Follow it: euryale ").split()
    following = asyncio.create_task(owner.run(*follow))
    await eventually(lambda: platform.builder.started)
    platform.builder.finish("shop", "production-1", BUILT)
    assert (await following).code == 0


async def test_what_is_started_without_waiting_goes_on(owner: Person, source: Path):
    done = await owner.run("projects", "create", "shop", "--source", str(source), "--no-wait", "--json")
    assert done.json["execution"].startswith("create-project:")

    async def ready() -> bool:
        return bool((await owner.run("projects", "list", "--json")).json["projects"][0]["state"] == "ready")

    await eventually(ready, within=20)


async def test_a_log_is_followed_to_its_end(owner: Person, platform: MemoryPlatform, source: Path):
    platform.builder.outcome = RUNNING
    await owner.run("projects", "create", "shop", "--source", str(source), "--no-wait")
    await eventually(lambda: platform.builder.started)
    log = platform.builder.log("shop", "production-1")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("one\n")
    process = await owner.start("logs", "shop", "--build", "--follow")
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"one\n"
        with log.open("a") as file:
            file.write("two\n")
        assert await process.stdout.readline() == b"two\n"
        platform.builder.finish("shop", "production-1", BUILT)
        assert await process.stdout.read() == b""
        assert await process.wait() == 0


async def test_the_log_of_an_environment_goes_on_with_its_next_deployment(
    owner: Person, platform: MemoryPlatform, source: Path
):
    await create(owner, source)
    for number in (1, 2):
        log = platform.folder / "logs" / "shop--production" / f"web-{number}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"from {number}\n")
    process = await owner.start("logs", "shop", "--follow", "--tail", "1")
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"from 1\n"
        assert (await owner.run("deploy", "shop")).code == 0
        told = (await process.stderr.readline()).decode()
        assert told == "-- deployment #1 has ended; the log goes on with the next one that is live\n"
        assert (await process.stderr.readline()).decode().startswith("-- deployment #2 (")
        assert await process.stdout.readline() == b"from 2\n"
        process.send_signal(signal.SIGINT)
        assert await process.stdout.read() == b""
        assert await process.wait() == 0


async def test_what_cannot_be_undone_is_confirmed(owner: Person, source: Path):
    await create(owner, source)
    refused = await owner.run("projects", "delete", "shop")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert (await owner.run("projects", "delete", "shop", "--yes")).code == 0
    assert (await owner.run("projects", "list")).out == "There are no projects yet.\n"
    assert (await owner.run("doctor", "--json")).json == {"healthy": True, "differences": []}


async def test_a_preview_is_made_and_removed(owner: Person, platform: MemoryPlatform, source: Path):
    await create(owner, source)
    git("checkout", "--quiet", "-b", "new", cwd=source)
    repository = platform.home.path / "remotes" / "shop.git"
    git("push", "--quiet", str(repository), "HEAD:refs/heads/new", cwd=source)
    assert (await owner.run("deploy", "shop", "--branch", "new")).out.splitlines()[-1].startswith("✔ shop/new serves")
    assert (await owner.run("remove-preview", "shop", "new", "--yes")).code == 0
    assert "new" not in (await owner.run("environments", "shop")).out
    unknown = await owner.run("logs", "shop", "-e", "new")
    assert (unknown.code, "production" in unknown.err) == (2, True)


async def test_variables_are_taken_from_the_shell(owner: Person, source: Path):
    await create(owner, source)
    done = await owner.run("variables", "set", "shop", "KEY", "B=x=y", "--json", env={"KEY": "from-shell"})
    assert done.json == {"variables": [{"name": "B", "scope": "both"}, {"name": "KEY", "scope": "both"}]}
    missing = await owner.run("variables", "set", "shop", "MISSING")
    assert (missing.code, "MISSING" in missing.err) == (2, True)


async def test_variables_are_unset_all_or_none(owner: Person, source: Path):
    await create(owner, source)
    await owner.run("variables", "set", "shop", "A=1", "B=2", "C=3")
    unknown = await owner.run("variables", "unset", "shop", "A", "TYPO")
    assert unknown.code == 1
    assert unknown.err.startswith("Error: The project has no variable called TYPO.\n  It has: A, B, C.\n")
    done = await owner.run("variables", "unset", "shop", "A", "C")
    assert (done.code, done.out.splitlines()[1].split()) == (0, ["B", "both"])
    assert done.out.endswith("until it is deployed again: euryale deploy shop\n")
    listed = await owner.run("variables", "list", "shop", "--json")
    assert listed.json == {"variables": [{"name": "B", "scope": "both"}]}
    refused = await owner.run("variables", "unset", "shop", "lower")
    assert (refused.code, "upper-case" in refused.err) == (2, True)
    assert (await owner.run("variables", "unset", "shop")).code == 2


async def test_login_keeps_what_works(stranger: Person, platform: MemoryPlatform):
    nowhere = await stranger.run("projects", "list")
    assert (nowhere.code, "euryale up" in nowhere.err) == (3, True)
    wrong = await stranger.run("login", "--url", platform.url, "--token-stdin", stdin="wrong\n")
    assert wrong.code == 4
    kept = stranger.home / "config" / "euryale" / "login.json"
    assert not kept.exists()
    token = platform.token.reveal()
    right = await stranger.run("login", "--url", platform.url, "--token-stdin", stdin=f"{token}\n")
    assert right.code == 0, right.err
    assert token not in right.out
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (await stranger.run("whoami", "--json")).json["caller"]["name"] == "owner"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("projects", "show", "nope"), 1, "cloud.projects.unknown"),
        (("projects", "create", "No_Name", "--repository", "x"), 2, "lower-case letters"),
        (("projects", "create", "shop", "--repository", "nowhere"), 1, "cli.operation_failed"),
        (("projects", "create", "shop", "--source", "."), 1, "git -C . init"),
        (("projects", "create", "shop", "--source", "missing"), 1, "not a directory"),
        (("executions", "list", "--status", "odd"), 2, "Known are"),
        (("--url", "nonsense", "whoami"), 2, "no address"),
        (("frobnicate",), 2, "No such command"),
    ],
)
async def test_bad_input_gets_one_readable_block(owner: Person, words: tuple[str, ...], code: int, told: str):
    done = await owner.run(*words)
    assert done.code == code
    assert told in done.err


async def test_a_platform_that_is_gone_is_said_to_be(owner: Person, free_port: int):
    env = {"EURYALE_URL": f"http://127.0.0.1:{free_port}", "EURYALE_TOKEN": "x"}
    done = await owner.run("projects", "list", "--json", env=env)
    assert done.code == 3
    assert done.json["error"]["code"] == "cloud.client.unreachable"
    assert (await owner.run("whoami", env={"EURYALE_TOKEN": "wrong"})).code == 4
