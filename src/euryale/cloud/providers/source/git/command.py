"""Runs git: isolated from the machine's configuration, in a process group of its own, ended when nobody waits."""

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from euryale.cloud.host.errors import HostError
from euryale.cloud.providers.errors import ProviderUnavailableError

_KEPT: Final = (
    "PATH",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
)
_GRACE_SECONDS = 3.0

ISOLATION: Final = """\
# Written by Euryale at every start; the only configuration that its git reads.
[core]
	hooksPath = /dev/null
	fsmonitor = false
	protectHFS = true
	protectNTFS = true
[credential]
	helper =
[safe]
	# repositories of other users are read, never written, and none of their hooks or settings run
	directory = *
[gc]
	# a collection ends with the command that caused it, instead of outliving it in the background
	autoDetach = false
[fetch]
	recurseSubmodules = false
	# packs appear whole; loose objects would let a killed fetch leave a commit without its files
	unpackLimit = 1
[http]
	lowSpeedLimit = 1000
	lowSpeedTime = 60
[init]
	defaultBranch = main
[i18n]
	logOutputEncoding = UTF-8
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """A git command that has ended.

    Attributes:
        status: Its exit code; negative: the signal that ended it.
        stdout: What it wrote.
        stderr: What it said, decoded.
    """

    status: int
    stdout: bytes
    stderr: str


def git_program() -> str:
    """Return the path of the machine's git.

    Raises:
        HostError: If it has none.
    """
    if (program := shutil.which("git")) is None:
        raise HostError("The machine has no git.", hint="Install it, for instance with: apt-get install git")
    return program


def write_configuration(path: Path, text: str) -> None:
    """Put a git configuration in its place, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(text)
    partial.replace(path)


def environment(configuration: Path, **more: str) -> dict[str, str]:
    """Return git's whole environment: no prompt, no credential helper, no configuration but the given file.

    Args:
        configuration: The one configuration file; its directory stands in for the home.
        more: Further variables.
    """
    known_hosts = configuration.with_name("known_hosts")
    ssh = ["ssh", "-oBatchMode=yes", "-oConnectTimeout=15", "-oStrictHostKeyChecking=accept-new"]
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "HOME": str(configuration.parent),
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": str(configuration),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_SSH_COMMAND": shlex.join([*ssh, f"-oUserKnownHostsFile={known_hosts}"]),
        **more,
    }


async def run_git(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    limit: float,
    stdin: bytes = b"",
) -> Finished:
    """Run git to its end.

    When the caller is cancelled or the time is over, git and every process that it started are ended first.

    Args:
        arguments: What follows ``git``; no shell is involved.
        env: Its whole environment.
        cwd: Where it runs.
        limit: Seconds after which it is ended.
        stdin: What it is given to read.

    Raises:
        ProviderUnavailableError: If the time is over.
        HostError: If the machine has no git.
    """
    process = await asyncio.create_subprocess_exec(
        git_program(),
        *(os.fspath(word) for word in arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(limit):
            stdout, stderr = await process.communicate(stdin)
    except TimeoutError:
        await end_group(process)
        raise ProviderUnavailableError(f"git {arguments[0]} took longer than {limit:g} s and was ended.") from None
    except BaseException:
        await end_group(process)
        raise
    status = process.returncode if process.returncode is not None else -1
    return Finished(status, stdout, stderr.decode(errors="replace"))


async def end_group(process: asyncio.subprocess.Process) -> None:
    """End a process that leads a group, and the whole group: politely, after three seconds by force."""
    _signal_group(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(_GRACE_SECONDS):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
