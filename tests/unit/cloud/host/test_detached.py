"""Processes that outlive who started them, and are told apart from whoever has their id later."""

import os
import signal
import sys
from pathlib import Path

from euryale.cloud.host.account import own_account
from euryale.cloud.host.detached import runs, spawn
from euryale.cloud.host.procfs import Identity, boot_id, identify
from eventually import eventually


def start(folder: Path) -> Identity:
    program = [sys.executable, "-c", "import signal; signal.pause()"]
    return spawn(program, cwd=folder, env={}, output=folder / "output", account=own_account())


async def test_a_process_has_a_session_of_its_own_and_leaves_no_zombie(tmp_path: Path) -> None:
    identity = start(tmp_path)
    try:
        assert runs(identity)
        assert os.getsid(identity.pid) == identity.pid
        assert identify(identity.pid) == identity
    finally:
        os.kill(identity.pid, signal.SIGKILL)
    await eventually(lambda: not runs(identity) and identify(identity.pid) is None)


async def test_neither_another_boot_nor_another_start_makes_it_the_same_process(tmp_path: Path) -> None:
    identity = start(tmp_path)
    try:
        assert not runs(identity._replace(boot=boot_id()[::-1]))
        assert not runs(identity._replace(ticks=identity.ticks + 1))
        assert runs(identity)
    finally:
        os.kill(identity.pid, signal.SIGKILL)
    await eventually(lambda: not runs(identity))
