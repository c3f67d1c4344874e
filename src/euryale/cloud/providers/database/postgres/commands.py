"""Programs that are run to their end, and that end with whoever waits for them."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from euryale.cloud.host.account import Account
from euryale.cloud.providers.database.postgres.failures import explained

ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: its exit code and all that it wrote."""

    code: int
    output: str


async def finish(
    command: Sequence[str | Path], *, account: Account, env: Mapping[str, str] | None = None, text: str = ""
) -> Finished:
    """Run a program in a session of its own until it ends; when cancelled, kill it with all of its children.

    Args:
        command: Program and arguments; no shell is involved.
        account: Who it runs as.
        env: What is added to the bare environment that it gets; nothing else is inherited.
        text: What it reads from its standard input.

    Raises:
        OSError: If it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/",
        env={**ENVIRONMENT, **(env or {})},
        start_new_session=True,
        **cast("dict[str, Any]", account.popen_arguments()),
    )
    try:
        output, _ = await process.communicate(text.encode())
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return Finished(await process.wait(), output.decode(errors="replace"))


async def run(
    command: Sequence[str | Path], *, account: Account, env: Mapping[str, str] | None = None, text: str = ""
) -> None:
    """Run a program as :func:`finish` does, and insist that it succeeds.

    Raises:
        ProviderUnavailableError: If it failed; the message holds the end of what it said.
        HostError: If it failed because the machine lacks something.
    """
    finished = await finish(command, account=account, env=env, text=text)
    if finished.code != 0:
        raise explained(f"{Path(command[0]).name} failed with exit code {finished.code}", finished.output)


async def remove_tree(directory: Path, account: Account) -> None:
    """Delete ``directory`` and all in it; fine if it is gone."""
    await run(["rm", "-rf", "--", directory], account=account)
