"""Supervised processes outlive the platform, come back when they die, and leave nothing when they are stopped."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

import http_server
from euryale.cloud.host.procfs import Identity
from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError
from euryale.cloud.providers.runtime.contract import InstanceIntent, ReleaseFailedError, UnhealthyError
from euryale.cloud.providers.runtime.process import records, supervision
from euryale.cloud.providers.runtime.process.runtime import ProcessRuntime
from euryale.cloud.testing.runtime import Programs
from eventually import eventually
from supervised_root import processes_of, runtime_in, supervised_root

FAMILY = """\
import os, signal, subprocess, sys
stubborn = "from signal import *; signal(SIGTERM, SIG_IGN); alarm(600); pause()"
child = [sys.executable, "-c", stubborn]
subprocess.Popen(child)
subprocess.Popen(child, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    os.execv(child[0], child)
print("family", flush=True)
signal.pause()
"""
GRACEFUL = """\
import signal, sys, time
def leave(*_):
    print("leaving", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
while True:
    signal.pause()
"""
MIGRATION = """\
import fcntl, os, pathlib, signal
home = pathlib.Path(os.environ["HOME"])
lock = open(home / "lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    raise SystemExit("two migrations at once")
if not (home / "begun").exists():
    (home / "begun").touch()
    while True:
        signal.pause()
print("migrated", flush=True)
"""
PLATFORM = """\
import asyncio, json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from euryale.cloud.testing.runtime import Programs
from supervised_root import runtime_in
async def main(root, call, name, line):
    runtime = runtime_in(root)
    intent = Programs(root / "artifact").intent("shop", name, line)
    result = await getattr(runtime, call)(intent)
    print(json.dumps(result.address if result else None), flush=True)
asyncio.run(main(Path(sys.argv[2]), *sys.argv[3:]))
"""


@pytest.fixture
def root() -> Iterator[Path]:
    with supervised_root() as root:
        yield root


@pytest.fixture
def programs(root: Path) -> Programs:
    return Programs.write(root / "artifact")


@pytest.fixture
async def runtime(root: Path) -> AsyncIterator[ProcessRuntime]:
    runtime = runtime_in(root)
    yield runtime
    for app in [name for name in await runtime.inventory() if "/" not in name]:
        await runtime.destroy(app)
    assert processes_of(root) == []


def script(root: Path, text: str) -> str:
    file = root / "artifact" / "script.py"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o644)
    return "python3 script.py"


def state_of(root: Path, name: str, kind: str = "instances") -> records.State:
    state = records.read_state(root / "runtime" / "shop" / kind / name / "state.json")
    assert state is not None
    return state


def process_of(root: Path, name: str) -> Identity:
    process = state_of(root, name).process
    assert process is not None
    return process


def shown_by_kernel(root: Path, file: str) -> str:
    return Path(f"/proc/{state_of(root, 'web-1').supervisor.pid}/{file}").read_text()


async def another_platform(root: Path, call: str, name: str, line: str) -> asyncio.subprocess.Process:
    words = ["-c", PLATFORM, str(Path(__file__).parents[2]), str(root), call, name, line]
    return await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)


async def answer(address: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://{address}/health")).status_code


async def serving(runtime: ProcessRuntime, intent: InstanceIntent) -> str:
    instance = await runtime.start(intent)
    await runtime.ready(intent.app, intent.name, path="/health", timeout=30)
    return instance.address


async def logged(runtime: ProcessRuntime, name: str, text: str) -> None:
    log = runtime.log("shop", name)
    await eventually(lambda: log.exists() and text in log.read_text())


async def test_instance_is_found_again_by_another_runtime(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    address = await serving(runtime, programs.intent("shop", "web-1"))
    before = process_of(root, "web-1")
    again = runtime_in(root)
    assert [instance.address for instance in await again.instances("shop")] == [address]
    assert (await again.start(programs.intent("shop", "web-1"))).address == address
    assert process_of(root, "web-1") == before
    assert before.alive()


async def test_instance_outlives_the_platform_process_that_started_it(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    platform = await another_platform(root, "start", "web-1", programs.serve)
    output, _ = await platform.communicate()
    assert platform.returncode == 0
    address = json.loads(output)
    await runtime.ready("shop", "web-1", path="/health", timeout=30)
    assert await answer(address) == 200
    assert (await runtime.start(programs.intent("shop", "web-1"))).address == address
    await runtime.stop("shop", "web-1", grace=5)
    assert processes_of(root) == []


async def test_two_platform_processes_start_one_instance(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    platforms = [await another_platform(root, "start", "web-1", programs.serve) for _ in range(3)]
    addresses = {(await platform.communicate())[0] for platform in platforms}
    assert len(addresses) == 1
    await runtime.ready("shop", "web-1", path="/health", timeout=30)
    assert len(processes_of(root)) == 2  # a supervisor and a server


async def test_killed_process_is_started_again(runtime: ProcessRuntime, root: Path, programs: Programs) -> None:
    address = await serving(runtime, programs.intent("shop", "web-1"))
    os.kill(process_of(root, "web-1").pid, signal.SIGKILL)
    await eventually(lambda: state_of(root, "web-1").restarts == 1 and state_of(root, "web-1").phase == "running")
    await runtime.ready("shop", "web-1", path="/health", timeout=30)
    assert await answer(address) == 200
    (instance,) = await runtime.instances("shop")
    assert (instance.restarts, instance.state) == (1, "running")
    assert "ended by SIGKILL" in runtime.log("shop", "web-1").read_text()


async def test_stop_ends_all_that_the_process_started(runtime: ProcessRuntime, root: Path, programs: Programs) -> None:
    await runtime.start(programs.intent("shop", "web-1", script(root, FAMILY)))
    await logged(runtime, "web-1", "family")
    await eventually(lambda: len(processes_of(root)) == 5)
    await runtime.stop("shop", "web-1", grace=0.5)
    assert processes_of(root) == []


async def test_crash_ends_all_that_the_process_started(runtime: ProcessRuntime, root: Path, programs: Programs) -> None:
    await runtime.start(programs.intent("shop", "web-1", script(root, FAMILY)))
    await eventually(lambda: len(processes_of(root)) == 5)
    before = set(processes_of(root)) - {state_of(root, "web-1").supervisor.pid}
    os.kill(process_of(root, "web-1").pid, signal.SIGKILL)
    await eventually(lambda: len(processes_of(root)) == 5 and not before & set(processes_of(root)))


async def test_process_has_its_grace_to_end_by_itself(runtime: ProcessRuntime, root: Path, programs: Programs) -> None:
    await runtime.start(programs.intent("shop", "web-1", script(root, GRACEFUL)))
    await logged(runtime, "web-1", "up")
    await runtime.stop("shop", "web-1", grace=20)
    assert "leaving" in runtime.log("shop", "web-1").read_text()


async def test_killed_supervisor_leaves_orphans_that_the_next_start_ends(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    await runtime.start(programs.intent("shop", "web-1", script(root, FAMILY)))
    await eventually(lambda: len(processes_of(root)) == 5)
    orphans = set(processes_of(root))
    os.kill(state_of(root, "web-1").supervisor.pid, signal.SIGKILL)
    await eventually(lambda: len(processes_of(root)) == 3)  # the process itself died with its supervisor
    (lost,) = await runtime.instances("shop")
    assert lost.state == "backoff"
    started = await runtime.start(programs.intent("shop", "web-1", programs.serve))
    assert started.address == lost.address
    await runtime.ready("shop", "web-1", path="/health", timeout=30)
    assert not orphans & set(processes_of(root))
    assert len(processes_of(root)) == 2


async def test_killed_supervisor_leaves_orphans_that_stop_ends(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    await runtime.start(programs.intent("shop", "web-1", script(root, FAMILY)))
    await eventually(lambda: len(processes_of(root)) == 5)
    os.kill(state_of(root, "web-1").supervisor.pid, signal.SIGKILL)
    await runtime.stop("shop", "web-1", grace=0.2)
    assert processes_of(root) == []
    assert await runtime.inventory() == frozenset({"shop"})


async def test_what_was_lost_is_revived_at_its_address(runtime: ProcessRuntime, root: Path, programs: Programs) -> None:
    address = await serving(runtime, programs.intent("shop", "web-1"))
    await serving(runtime, programs.intent("shop", "web-2"))
    os.kill(state_of(root, "web-1").supervisor.pid, signal.SIGKILL)
    await eventually(lambda: not process_of(root, "web-1").alive())
    assert await runtime_in(root).revive() == ("web-1",)
    await runtime.ready("shop", "web-1", path="/health", timeout=30)
    assert await answer(address) == 200


async def test_an_instance_that_was_told_something_else_is_started_anew(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    former, new = ({"DATABASE_URL": f"postgres://{port}", "PORT": "1"} for port in (1, 2))
    await serving(runtime, programs.intent("shop", "web-1", env=former))
    before = process_of(root, "web-1")
    await serving(runtime, programs.intent("shop", "web-1", env=former))
    assert process_of(root, "web-1") == before
    await serving(runtime, programs.intent("shop", "web-1", env=new))
    assert process_of(root, "web-1") != before
    assert not before.alive()
    assert len(processes_of(root)) == 2


async def test_one_that_cannot_be_revived_keeps_no_other_from_it(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    for name in ("web-1", "web-2"):
        await serving(runtime, programs.intent("shop", name))
        os.kill(state_of(root, name).supervisor.pid, signal.SIGKILL)
        await eventually(lambda name=name: not process_of(root, name).alive())
    (root / "runtime/shop/instances/web-1/supervisor.log").unlink()
    (root / "runtime/shop/instances/web-1/supervisor.log").mkdir()
    assert await runtime.revive() == ("web-2",)


async def test_one_that_could_not_be_revived_is_revived_later(
    runtime: ProcessRuntime, root: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await serving(runtime, programs.intent("shop", "web-1"))
    os.kill(state_of(root, "web-1").supervisor.pid, signal.SIGKILL)
    await eventually(lambda: not process_of(root, "web-1").alive())
    with monkeypatch.context() as slow:
        slow.setattr(supervision, "_START", -1.0)
        assert await runtime.revive() == ()
    assert await runtime.revive() == ("web-1",)
    await runtime.ready("shop", "web-1", path="/health", timeout=30)


async def test_interrupted_stop_is_finished_before_the_next_start(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    await serving(runtime, programs.intent("shop", "web-1"))
    before = process_of(root, "web-1")
    records.write_stop(root / "runtime/shop/instances/web-1/stop.json", 1.0)
    assert await runtime.revive() == ()
    await serving(runtime, programs.intent("shop", "web-1"))
    assert process_of(root, "web-1") != before
    assert not before.alive()


async def test_release_of_a_killed_platform_is_ended_before_it_is_repeated(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    line = script(root, MIGRATION)
    platform = await another_platform(root, "release", "migrate-1", line)
    await eventually((root / "runtime/shop/home/begun").exists)
    first = state_of(root, "migrate-1", "releases").process
    platform.kill()
    await platform.wait()
    assert first is not None
    assert first.alive()
    await runtime.release(programs.intent("shop", "migrate-1", line))
    assert not first.alive()
    log = runtime.log("shop", "migrate-1").read_text()
    assert "migrated" in log
    assert "two migrations at once" not in log
    assert processes_of(root) == []


async def test_release_that_is_repeated_meanwhile_fails(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    line = script(root, MIGRATION)
    first = asyncio.create_task(runtime.release(programs.intent("shop", "migrate-1", line)))
    await eventually((root / "runtime/shop/home/begun").exists)
    await runtime_in(root).release(programs.intent("shop", "migrate-1", line))
    with pytest.raises(ReleaseFailedError, match="ended from outside"):
        await first


async def test_canceled_release_is_ended(runtime: ProcessRuntime, root: Path, programs: Programs) -> None:
    release = asyncio.create_task(runtime.release(programs.intent("shop", "migrate-1", script(root, MIGRATION))))
    await eventually((root / "runtime/shop/home/begun").exists)
    release.cancel()
    with pytest.raises(asyncio.CancelledError):
        await release
    assert processes_of(root) == []


async def test_release_that_takes_too_long_is_ended(root: Path, programs: Programs) -> None:
    runtime = runtime_in(root, release_timeout=0.5)
    with pytest.raises(ReleaseFailedError, match=r"took longer than 0\.5 s"):
        await runtime.release(programs.intent("shop", "migrate-1", "echo waiting; sleep 600"))
    assert processes_of(root) == []
    await runtime.destroy("shop")


async def test_answer_of_another_process_on_its_port_does_not_count(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    instance = await runtime.start(programs.intent("shop", "web-1", script(root, GRACEFUL)))
    await logged(runtime, "web-1", "up")
    async with http_server.serving(PlainTextResponse("somebody else"), port=int(instance.address.partition(":")[2])):
        assert await answer(instance.address) == 200
        with pytest.raises(UnhealthyError, match="another process that answered on its port"):
            await runtime.ready("shop", "web-1", path="/health", timeout=1)


async def test_process_that_keeps_dying_is_unhealthy_at_once(runtime: ProcessRuntime, programs: Programs) -> None:
    await runtime.start(programs.intent("shop", "web-1", programs.fail))
    async with asyncio.timeout(20):
        with pytest.raises(UnhealthyError) as caught:
            await runtime.ready("shop", "web-1", path="/health", timeout=600)
    text = str(caught.value)
    assert "GET /health: connection refused. The process is backoff (restarts: " in text
    assert "last: exited with status 3" in text
    assert "no such table" in text


async def test_process_that_cannot_be_started_is_unhealthy(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    await serving(runtime, programs.intent("shop", "web-1"))
    moved = root / "moved"
    (root / "artifact").rename(moved)
    os.kill(process_of(root, "web-1").pid, signal.SIGKILL)
    with pytest.raises(UnhealthyError, match="could not be started"):
        await runtime.ready("shop", "web-1", path="/missing", timeout=20)


async def test_process_over_its_memory_is_started_again(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    line = script(root, "import signal\nblock = bytearray(200 * 2**20)\nsignal.pause()\n")
    await runtime.start(programs.intent("shop", "worker-1", line, memory=64 * 2**20))
    await eventually(lambda: state_of(root, "worker-1").restarts >= 1, within=20)
    assert "64 MiB are allowed" in runtime.log("shop", "worker-1").read_text()


async def test_no_port_is_a_clear_error(root: Path, programs: Programs) -> None:
    first = 38_000 + os.getpid() % 1000
    runtime = runtime_in(root, ports=range(first, first + 1))
    await runtime.start(programs.intent("shop", "web-1"))
    with pytest.raises(ProviderUnavailableError, match="No free port") as caught:
        await runtime.start(programs.intent("shop", "web-2"))
    assert "wider range" in caught.value.hint
    await runtime.stop("shop", "web-1", grace=5)
    await runtime.start(programs.intent("shop", "web-2"))
    await runtime.destroy("shop")


async def test_port_given_back_is_the_last_to_be_used_again(runtime: ProcessRuntime, programs: Programs) -> None:
    first = await runtime.start(programs.intent("shop", "web-1"))
    await runtime.stop("shop", "web-1", grace=5)
    second = await runtime.start(programs.intent("shop", "web-2"))
    assert second.address != first.address


async def test_process_sees_its_own_environment_only(
    runtime: ProcessRuntime, root: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_TOKEN", "of-the-platform")
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", "/etc/certificates.pem")
    line = script(root, "import json, os\nprint('env', json.dumps(dict(os.environ)), os.getuid(), flush=True)\n")
    await runtime.release(programs.intent("shop", "show-1", line, env={"COLOR": "red"}))
    shown = next(text for text in runtime.log("shop", "show-1").read_text().splitlines() if text.startswith("env "))
    env = json.loads(shown.removeprefix("env ").rpartition("} ")[0] + "}")
    assert env["COLOR"] == "red"
    assert env["NODE_EXTRA_CA_CERTS"] == "/etc/certificates.pem"
    assert env["HOME"] == str(root / "runtime/shop/home")
    settings = {"AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"}
    own = {"COLOR", "HOME", "TMPDIR", "PATH", "LANG", "EURYALE_INSTANCE"}
    by_the_shell = {"PWD", "LC_CTYPE", "OLDPWD", "SHLVL", "_"}
    assert set(env) <= own | settings | {"SSL_CERT_DIR", "SSL_CERT_FILE"} | by_the_shell
    if os.geteuid() == 0:
        assert not shown.endswith(" 0")


async def test_home_and_temporary_directory_can_be_written_to(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    await runtime.release(programs.intent("shop", "touch-1", 'touch "$HOME/a" "$TMPDIR/b" && test ! -w .'))
    assert (root / "runtime/shop/home/a").exists()
    assert (root / "runtime/shop/tmp/b").exists()


async def test_records_with_secrets_are_for_the_platform_alone(
    runtime: ProcessRuntime, root: Path, programs: Programs
) -> None:
    await runtime.start(programs.intent("shop", "web-1", env={"PASSWORD": "for-nobody-else"}))
    directory = root / "runtime/shop/instances/web-1"
    assert (directory / "spec.json").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700
    assert directory.stat().st_uid == os.geteuid()
    assert "for-nobody-else" not in shown_by_kernel(root, "cmdline")


@pytest.mark.parametrize("directory", ["..", "/etc", "link", "missing", "server.py"])
async def test_command_stays_in_the_artifact(
    runtime: ProcessRuntime, root: Path, programs: Programs, directory: str
) -> None:
    (root / "artifact" / "link").symlink_to("/etc")
    intent = programs.intent("shop", "web-1")
    command = type(intent.command)("start", "python3 server.py", directory)
    outside = InstanceIntent(intent.app, intent.name, intent.artifact, intent.plan, command, {})
    with pytest.raises(PermanentError, match="no directory"):
        await runtime.start(outside)
    assert await runtime.inventory() == frozenset({"shop"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs applications as another account")
async def test_artifact_out_of_reach_is_a_clear_error(runtime: ProcessRuntime, root: Path, programs: Programs) -> None:
    programs.artifact.chmod(0o700)
    with pytest.raises(PermanentError, match="may not enter"):
        await runtime.start(programs.intent("shop", "web-1"))


async def test_supervisor_is_small(runtime: ProcessRuntime, root: Path, programs: Programs) -> None:
    await serving(runtime, programs.intent("shop", "web-1"))
    status = shown_by_kernel(root, "status").splitlines()
    resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    assert resident < 20 * 1024
