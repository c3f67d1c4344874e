"""Builds as real processes: what they leave when they, or the platform, are killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from euryale.cloud.buildplan.plan import PackageManager
from euryale.cloud.host.account import service_account
from euryale.cloud.host.procfs import Identity
from euryale.cloud.host.toolchains import Toolchains
from euryale.cloud.providers.builder.contract import BuildLostError, BuildStatus
from euryale.cloud.providers.builder.process.builder import ProcessBuilder
from euryale.cloud.providers.builder.process.descendants import marked_processes
from euryale.cloud.providers.builder.process.specification import read_value
from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError
from eventually import eventually
from shell_builds import ShellBuilds, as_root, shell_builds, shell_plan

_SECRET = "open-sesame-42"
_PLATFORM = """
import asyncio, sys
from pathlib import Path
from shell_builds import NoToolchains, shell_plan
from euryale.cloud.providers.builder.contract import BuildIntent
from euryale.cloud.host.procfs import Identity
from euryale.cloud.providers.builder.process.builder import ProcessBuilder

async def main(root, source, line):
    builder = ProcessBuilder(Path(root), toolchains=NoToolchains(Path(root)), minimum_free_disk=0)
    await builder.start(BuildIntent("shop", "b1", Path(source), shell_plan(line), {}, 60))
    print("started", flush=True)
    await builder.wait("shop", "b1")

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def builds() -> AsyncIterator[ShellBuilds]:
    with shell_builds() as builds:
        await builds.builder.create_pipeline("shop")
        yield builds


async def _finish(builds: ShellBuilds, name: str = "b1") -> BuildStatus:
    async with asyncio.timeout(30):
        return await builds.builder.wait("shop", name)


async def _outcome(builds: ShellBuilds, *lines: str, **options: object) -> BuildStatus:
    await builds.builder.start(builds.build("shop", "b1", shell_plan(*lines), **options))  # type: ignore[arg-type]
    return await _finish(builds)


async def _finish_and_keep(builds: ShellBuilds, name: str) -> BuildStatus:
    """Wait for the outcome, and then until what it installed is kept: nobody but a later build waits for that."""
    status = await _finish(builds, name)
    await _keep(builds, name)
    return status


async def _keep(builds: ShellBuilds, name: str) -> None:
    await eventually(lambda: "was kept" in _text(builds, name) or "put back" in _text(builds, name))


def _text(builds: ShellBuilds, name: str = "b1") -> str:
    return builds.builder.log("shop", name).read_text()


def _runner(builds: ShellBuilds, name: str = "b1") -> int:
    identity = read_value(builds.directory("shop", name) / "runner.json", Identity)
    assert identity is not None
    return identity.pid


async def test_a_build_goes_on_while_the_platform_is_dead(builds: ShellBuilds) -> None:
    gate = builds.root.parent / "gate"
    arguments = [str(builds.root), str(builds.source), f"echo one; until test -e {gate}; do sleep 0.05; done; echo two"]
    command = [sys.executable, "-c", _PLATFORM, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    platform = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)  # noqa: ASYNC220 -- it is killed
    assert platform.stdout is not None
    with platform.stdout:
        assert await asyncio.to_thread(platform.stdout.readline) == b"started\n"
    await eventually(lambda: "one" in _text(builds))
    platform.kill()
    platform.wait()
    assert (await builds.builder.poll("shop", "b1")).state == "running"
    runner = _runner(builds)
    await builds.builder.start(builds.build("shop", "b1", shell_plan("false")))
    assert _runner(builds) == runner
    gate.touch()
    assert (await _finish(builds)).state == "succeeded"
    assert "\none\ntwo\n" in _text(builds)


async def test_a_build_whose_runner_was_killed_is_lost_and_begins_anew(builds: ShellBuilds) -> None:
    endless = builds.build("shop", "b1", shell_plan("echo began; (sleep 600 &) ; exec sleep 601"))
    await builds.builder.start(endless)
    await eventually(lambda: len(marked_processes(builds.directory("shop", "b1"))) == 3)
    os.kill(_runner(builds), signal.SIGKILL)

    async def lost() -> bool:
        try:
            return (await builds.builder.poll("shop", "b1")).state != "running"
        except BuildLostError:
            return True

    await eventually(lost)
    with pytest.raises(BuildLostError):
        await builds.builder.wait("shop", "b1")
    orphans = marked_processes(builds.directory("shop", "b1"))
    assert len(orphans) == 2
    await builds.builder.start(builds.build("shop", "b1", shell_plan("echo again")))
    assert (await _finish(builds)).state == "succeeded"
    assert not any(orphan.alive() for orphan in orphans)
    assert "\nbegan\n" in _text(builds)
    assert "\nagain\n" in _text(builds)


async def test_a_timeout_ends_grandchildren_that_left_the_session(builds: ShellBuilds) -> None:
    hidden = (
        "setsid sh -c 'echo $$ > hidden; exec env -i sleep 600' & until test -s hidden; do sleep 0.05; done; cat hidden"
    )
    plan = shell_plan(hidden, "exec sleep 600")
    await builds.builder.start(builds.build("shop", "b1", plan, timeout=1.5))
    ended = await _finish(builds)
    assert ended.state == "timed_out"
    assert "after 1.5 s" in ended.reason
    assert "sleep 600" in ended.reason
    (pid,) = [line for line in _text(builds).splitlines() if line.isdigit()]
    assert not psutil.pid_exists(int(pid))
    await eventually(lambda: not marked_processes(builds.directory("shop", "b1")))


async def test_destroying_a_running_build_leaves_no_process_and_no_file(builds: ShellBuilds) -> None:
    line = "setsid sh -c 'echo $$; exec env -i sleep 600' & touch made; wait"
    await builds.builder.start(builds.build("shop", "b1", shell_plan(line)))
    await eventually(lambda: any(text.isdigit() for text in _text(builds).splitlines()))
    (pid,) = [text for text in _text(builds).splitlines() if text.isdigit()]
    directory = builds.directory("shop", "b1")
    assert psutil.pid_exists(int(pid))
    await builds.builder.destroy("shop", "b1")
    assert not psutil.pid_exists(int(pid))
    assert marked_processes(directory) == []
    assert not directory.exists()


async def test_temporary_files_end_with_the_build(builds: ShellBuilds) -> None:
    listening = "import os, socket; socket.socket(socket.AF_UNIX).bind(os.environ['TMPDIR'] + '/' + 'x' * 40)"
    line = f'touch "$(mktemp)" && python3 -c "{listening}" && ls -A "$TMPDIR" && echo "in $TMPDIR"'
    assert (await _outcome(builds, line, env={"TMPDIR": "/tmp"})).state == "succeeded"
    made = builds.root / "tmp"
    assert f"in {made}/" in _text(builds)
    await eventually(lambda: not list(made.iterdir()))
    await builds.builder.start(builds.build("shop", "b2", shell_plan("mktemp; exec sleep 600")))
    await eventually(lambda: str(made) in _text(builds, "b2"))
    await builds.builder.destroy("shop", "b2")
    assert not list(made.iterdir())


async def test_secrets_do_not_reach_the_log_or_a_file(builds: ShellBuilds) -> None:
    said = await _outcome(
        builds,
        'echo "token=$TOKEN"; printf "%s" "$TOKEN" | cut -c1-4; echo "bad $TOKEN" >&2; exit 1',
        env={"TOKEN": _SECRET},
    )
    assert said.state == "failed"
    assert _SECRET not in said.reason
    assert "token=[redacted]" in _text(builds)
    await eventually(lambda: not (builds.directory("shop", "b1") / "work").exists())
    kept = [path for path in builds.directory("shop", "b1").rglob("*") if path.is_file()]
    assert len(kept) >= 4
    assert not any(_SECRET.encode() in path.read_bytes() for path in kept)


async def test_a_failing_command_is_named_with_its_last_lines(builds: ShellBuilds) -> None:
    ended = await _outcome(builds, "echo fine", "seq 100; exit 7", "echo never")
    assert ended.state == "failed"
    assert ended.phase == "build"
    first, *tail = ended.reason.splitlines()
    assert first == "build: `seq 100; exit 7` ended with exit code 7."
    assert tail == [str(number) for number in range(71, 101)]
    assert "never" not in _text(builds)
    await eventually(lambda: not (builds.directory("shop", "b1") / "work").exists())


async def test_a_variable_that_the_system_does_not_take_fails_the_build(builds: ShellBuilds) -> None:
    ended = await _outcome(builds, "true", env={"BIG": "x" * 200_000})
    assert (ended.state, ended.phase) == ("failed", "build")
    assert "A variable of the build is too long" in ended.reason


async def test_a_command_that_never_pauses_is_ended_in_time(builds: ShellBuilds) -> None:
    plan = shell_plan("yes & yes & yes & yes")
    await builds.builder.start(builds.build("shop", "b1", plan, timeout=1.5))
    assert (await _finish(builds)).state == "timed_out"
    assert builds.builder.log("shop", "b1").stat().st_size < 80_000_000


async def test_a_file_that_was_not_made_fails_the_build(builds: ShellBuilds) -> None:
    plan = shell_plan("mkdir out; ln -s /etc/passwd out/link", must_exist=("out/index.html",))
    await builds.builder.start(builds.build("shop", "b1", plan))
    ended = await _finish(builds)
    assert ended.state == "failed"
    assert "out/index.html" in ended.reason
    outside = shell_plan("ln -s /etc out", artifact="out")
    await builds.builder.start(builds.build("shop", "b2", outside))
    assert (await _finish(builds, "b2")).state == "failed"


async def test_only_the_artifact_is_kept(builds: ShellBuilds) -> None:
    plan = shell_plan("mkdir -p a/b a/c d; touch a/b/kept a/c/x d/y", artifact="a/b")
    await builds.builder.start(builds.build("shop", "b1", plan))
    artifact = (await _finish(builds)).artifact
    assert artifact is not None
    work = builds.directory("shop", "b1") / "work"
    await eventually(lambda: sorted(path.name for path in work.rglob("*")) == ["a", "b", "kept"])
    assert (artifact / "kept").exists()


async def test_an_install_is_put_back_for_the_same_lockfile(builds: ShellBuilds) -> None:
    install = (
        "echo x >> $HOME/installs; mkdir -p node_modules/pkg node_modules/.cache; echo 1 > node_modules/pkg/file; "
    )
    install += "echo 1 > node_modules/.cache/state; ln -s pkg node_modules/link"
    options = {"install": (install,), "install_key_files": ("package-lock.json",), "install_outputs": ("node_modules",)}
    plan = shell_plan("cat node_modules/link/file; echo 2 > node_modules/.cache/state", **options)
    for name in ("b1", "b2", "b3"):
        if name == "b3":
            (builds.source / "package-lock.json").write_text('{"other": 1}')
        await builds.builder.start(builds.build("shop", name, plan))
        assert (await _finish_and_keep(builds, name)).state == "succeeded", _text(builds, name)
    assert (builds.root / "pipelines/shop/home/installs").read_text() == "x\nx\n"
    assert "put back what an earlier build installed" in _text(builds, "b2")
    works = [builds.directory("shop", name) / "work/node_modules" for name in ("b1", "b2", "b3")]
    assert works[0].joinpath("pkg/file").samefile(works[1] / "pkg/file")
    assert not works[0].joinpath(".cache/state").samefile(works[1] / ".cache/state")
    assert not works[0].joinpath("pkg/file").samefile(works[2] / "pkg/file")


async def test_an_install_is_not_put_where_a_link_leads(builds: ShellBuilds) -> None:
    options = {"install_key_files": ("package-lock.json",), "install_outputs": ("app/deps",)}
    plan = shell_plan("test -e app/deps/file", install=("mkdir -p app/deps; touch app/deps/file",), **options)
    elsewhere = builds.root.parent / "elsewhere"
    elsewhere.mkdir(mode=0o777)
    for name in ("b1", "b2", "b3"):
        if name == "b3":
            (builds.source / "app").symlink_to(elsewhere)
        await builds.builder.start(builds.build("shop", name, plan))
        await (_finish(builds, name) if name == "b3" else _finish_and_keep(builds, name))
    assert "put back" in _text(builds, "b2")
    assert "put back" not in _text(builds, "b3")


async def test_what_is_shared_cannot_be_written_in_place(builds: ShellBuilds) -> None:
    options = {
        "install": ("mkdir deps; echo ok > deps/file",),
        "install_key_files": ("package-lock.json",),
        "install_outputs": ("deps",),
    }
    writing = ("! sh -c 'echo bad >> deps/file'", "rm deps/file && echo mine > deps/file")
    for name, lines in (("b1", ()), ("b2", writing)):
        await builds.builder.start(builds.build("shop", name, shell_plan(*lines, **options)))
        assert (await _finish_and_keep(builds, name)).state == "succeeded", _text(builds, name)
    (kept,) = (builds.root / "pipelines/shop/dependencies").glob("*/0/file")
    assert kept.read_text() == "ok\n"


async def test_an_install_that_the_build_has_written_into_is_not_kept(builds: ShellBuilds) -> None:
    options = {"install_key_files": ("package-lock.json",), "install_outputs": ("deps",)}
    plan = shell_plan("echo bad >> deps/file", install=("mkdir deps; echo ok > deps/file",), **options)
    await builds.builder.start(builds.build("shop", "b1", plan))
    assert (await _finish(builds)).state == "succeeded"
    await eventually(lambda: "is not kept" in _text(builds))
    assert not list((builds.root / "pipelines/shop/dependencies").glob("*/0/file"))


async def test_an_install_is_kept_that_makes_files_or_not_all_that_it_might(builds: ShellBuilds) -> None:
    outputs = (".yarn/install-state.gz", "app/node_modules", "node_modules")
    options = {"install_key_files": ("package-lock.json",), "install_outputs": outputs}
    install = "mkdir .yarn node_modules; echo 1 > .yarn/install-state.gz; echo 1 > node_modules/file"
    building = "cat .yarn/install-state.gz node_modules/file; mkdir -p app/node_modules"
    for name in ("b1", "b2"):
        await builds.builder.start(builds.build("shop", name, shell_plan(building, install=(install,), **options)))
        assert (await _finish_and_keep(builds, name)).state == "succeeded", _text(builds, name)
    assert "put back what an earlier build installed" in _text(builds, "b2")


async def test_the_least_recently_used_installs_go_first() -> None:
    with shell_builds(dependencies_budget=150_000) as builds:
        await builds.builder.create_pipeline("shop")
        fill = "mkdir deps; head -c 100000 /dev/zero > deps/file"
        plan = shell_plan(install=(fill,), install_key_files=("package-lock.json",), install_outputs=("deps",))
        kept = builds.root / "pipelines/shop/dependencies"
        for number in range(3):
            (builds.source / "package-lock.json").write_text(str(number))
            await builds.builder.start(builds.build("shop", f"b{number}", plan))
            assert (await _finish(builds, f"b{number}")).state == "succeeded"
            await eventually(lambda: len(list(kept.iterdir())) == 1)


async def test_commands_run_without_privileges_and_install_without_node_env(builds: ShellBuilds) -> None:
    plan = shell_plan("id -un; echo env=$NODE_ENV", install=("echo env=$NODE_ENV",), env=(("NODE_ENV", "production"),))
    await builds.builder.start(builds.build("shop", "b1", plan, env={"NODE_ENV": "production", "HOME": "/nowhere"}))
    assert (await _finish(builds)).state == "succeeded"
    said = _text(builds).splitlines()
    assert [line for line in said if line.startswith("env=")] == ["env=", "env=production"]
    assert service_account("euryale-app").name in said
    assert not as_root() or "root" not in said


async def test_no_build_is_taken_on_a_full_disk() -> None:
    with shell_builds(minimum_free_disk=1 << 60) as builds:
        await builds.builder.create_pipeline("shop")
        with pytest.raises(ProviderUnavailableError, match="GiB of disk are free, and a build needs"):
            await builds.builder.start(builds.build("shop", "b1", shell_plan("true")))
        assert await builds.builder.inventory() == {"shop"}


async def test_builds_beyond_the_slots_wait_in_the_queue() -> None:
    with shell_builds(slots=1) as builds:
        await builds.builder.create_pipeline("shop")
        gate = builds.root.parent / "gate"
        await builds.builder.start(builds.build("shop", "b1", shell_plan(f"until test -e {gate}; do sleep 0.05; done")))
        await eventually(lambda: _phase(builds, "b1", "build"))
        await builds.builder.start(builds.build("shop", "b2", shell_plan("true")))
        assert await builds.builder.poll("shop", "b2") == BuildStatus("running", "queued")
        gate.touch()
        assert (await _finish(builds, "b1")).state == "succeeded"
        assert (await _finish(builds, "b2")).state == "succeeded"


async def _phase(builds: ShellBuilds, name: str, phase: str) -> bool:
    return (await builds.builder.poll("shop", name)).phase == phase


@pytest.mark.skipif(not as_root(), reason="only root can drop privileges")
async def test_says_which_directory_keeps_the_account_out() -> None:
    with shell_builds() as builds:
        builds.root.parent.chmod(0o700)
        with pytest.raises(PermanentError, match=str(builds.root.parent)):
            await builds.builder.create_pipeline("shop")


async def test_the_callers_checkout_is_not_touched(builds: ShellBuilds) -> None:
    (builds.source / ".git").mkdir()
    (builds.source / "dir").mkdir()
    (builds.source / "dir/out").symlink_to("/etc/hostname")
    before = {path: path.lstat() for path in builds.source.rglob("*")}
    assert (await _outcome(builds, "rm -r package-lock.json dir; test ! -e .git; touch new")).state == "succeeded"
    assert {path: path.lstat() for path in builds.source.rglob("*")} == before


@pytest.mark.slow
async def test_an_application_of_the_framework_gets_the_platforms_own_euryale() -> None:
    with shell_builds() as builds:
        builder = ProcessBuilder(builds.root, toolchains=Toolchains(builds.root), minimum_free_disk=0)
        await builder.create_pipeline("shop")
        minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
        plan = shell_plan(
            "app/.venv/bin/python -c 'import euryale.kit.ids, uvicorn; print(euryale.__file__)'",
            install=(f"uv venv --relocatable --python {minor} app/.venv",),
            language="python",
            runtime_version=minor,
            package_manager=PackageManager("pip", None, "requirements.txt"),
            install_key_files=("package-lock.json",),
            install_outputs=("app/.venv",),
            venv="app/.venv",
            provides=("euryale",),
        )
        for name in ("b1", "b2"):
            await builder.start(builds.build("shop", name, plan, timeout=300))
            async with asyncio.timeout(300):
                assert (await builder.wait("shop", name)).state == "succeeded", _text(builds, name)
            await _keep(builds, name)
            installed = builds.directory("shop", name).joinpath("work", "app", ".venv", "lib", f"python{minor}")
            own = str(installed / "site-packages" / "euryale" / "__init__.py")
            assert own in _text(builds, name).splitlines()
        assert "put back what an earlier build installed" in _text(builds, "b2")
