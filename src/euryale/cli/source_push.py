"""Pushes a directory's HEAD to the platform's own repository of a project."""

import base64
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from euryale.cli.address import Address
from euryale.cli.errors import SourceError
from euryale.cloud.client.answers import is_loopback

_DEFAULT_BRANCH: Final = "main"
_LAST_LINES: Final = 15


def read_branch(directory: Path) -> str:
    """Return the branch that a repository is on; ``main`` if it is on none.

    Raises:
        SourceError: If the directory is no repository of its own, or has no commit.
    """
    if not directory.is_dir():
        raise SourceError(f"{directory} is not a directory.")
    top = _git(directory, "rev-parse", "--show-toplevel")
    if top.returncode != 0 or Path(top.stdout.strip()).resolve() != directory.resolve():
        raise SourceError(
            f"{directory} is not a Git repository of its own.",
            hint=f"Make it one: git -C {directory} init && git -C {directory} add -A"
            f" && git -C {directory} commit -m 'First'",
        )
    if _git(directory, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").returncode != 0:
        raise SourceError(
            f"{directory} has no commit yet.",
            hint=f"Make one: git -C {directory} add -A && git -C {directory} commit -m 'First'",
        )
    branch = _git(directory, "symbolic-ref", "--quiet", "--short", "HEAD")
    return branch.stdout.strip() or _DEFAULT_BRANCH


def push_head(directory: Path, address: Address, name: str, branch: str) -> None:
    """Push HEAD to a branch of the platform's own repository, whatever that branch held before.

    The token is handed to git in its environment: it is in no process list and in no file.

    Args:
        directory: The repository.
        address: The platform.
        name: The project's name.
        branch: The branch at the platform.

    Raises:
        SourceError: If the push is refused; the message is git's.
    """
    url = f"{address.url}/git/{name}.git"
    words = ("push", "--quiet", "--no-verify", "--", url, f"+HEAD:refs/heads/{branch}")
    done = _git(directory, *words, environ=push_environment(os.environ, address, url))
    if done.returncode != 0:
        told = "\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:])
        raise SourceError(f"git could not push {directory} to the platform:\n{told}")


def push_environment(environ: Mapping[str, str], address: Address, url: str) -> dict[str, str]:
    """Return the environment in which git sends the token to that URL, and asks nobody for another. Pure."""
    credentials = base64.b64encode(f"token:{address.token.reveal()}".encode()).decode()
    settings = {f"http.{url}.extraHeader": f"Authorization: Basic {credentials}", "credential.helper": ""}
    if is_loopback(address.url):
        settings[f"http.{url}.proxy"] = ""
    given = environ.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    env = {**environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings.items(), start=first):
        env[f"GIT_CONFIG_KEY_{number}"] = key
        env[f"GIT_CONFIG_VALUE_{number}"] = value
    return env


def _git(directory: Path, *words: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    git = shutil.which("git")
    if git is None:
        raise SourceError("git is not installed.", hint="Install it, or give --repository instead of --source.")
    return subprocess.run(  # noqa: S603 -- fixed words; the directory and the URL are the caller's own
        [git, "-C", str(directory), *words],
        env=None if environ is None else dict(environ),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )
