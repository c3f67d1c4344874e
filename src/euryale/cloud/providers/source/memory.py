"""Repositories that exist in this process only: for tests of what uses a source."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from shutil import rmtree

from euryale.cloud.providers.errors import ProviderError
from euryale.cloud.providers.source.contract import (
    Commit,
    EmptyRepositoryError,
    InvalidRepositoryError,
    Repository,
    UnknownRefError,
    UnknownRepositoryError,
)
from euryale.kit.clock import SYSTEM_CLOCK, Clock

_SCHEME = "memory:"


class MemorySource:
    """Implements the source contract over dictionaries; addresses are ``memory:<name>``.

    A test fills it with :meth:`create`, :meth:`commit` and :meth:`delete_branch`. What :meth:`fail_with` was given
    is raised by every method of the contract until it is taken back.

    Args:
        clock: Dates the commits.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._branches: dict[str, dict[str, str]] = {}
        self._commits: dict[tuple[str, str], tuple[Commit, dict[str, bytes]]] = {}
        self._failure: ProviderError | None = None

    def create(self, name: str) -> str:
        """Make an empty repository, or leave the one of that name; return its address."""
        address = f"{_SCHEME}{name}"
        self._branches.setdefault(address, {})
        return address

    def commit(self, address: str, branch: str, files: Mapping[str, bytes], message: str = "change") -> str:
        """Make a commit with exactly these files the head of ``branch``; return its hash."""
        at: datetime = self._clock.now()
        digest = hashlib.sha1(usedforsecurity=False)
        parent = self._branches[address].get(branch, "")
        digest.update(repr((address, branch, parent, sorted(files.items()), message, len(self._commits))).encode())
        sha = digest.hexdigest()
        first_line = next(iter(message.splitlines()), "")
        self._commits[address, sha] = (Commit(sha, first_line, "Memory", at), dict(files))
        self._branches[address][branch] = sha
        return sha

    def delete_branch(self, address: str, branch: str) -> None:
        """Delete a branch; its commits stay known by their hashes."""
        self._branches[address].pop(branch, None)

    def fail_with(self, error: ProviderError | None) -> None:
        """Raise ``error`` from now on; ``None``: no longer."""
        self._failure = error

    async def inspect(self, address: str) -> Repository:
        """Look at the repository."""
        branches = self._found(address)
        if not branches:
            raise EmptyRepositoryError(f"{address} has no commit yet.")
        default = "main" if "main" in branches else min(branches)
        return Repository(address, default, dict(branches))

    async def resolve(self, address: str, ref: str) -> Commit:
        """Return the commit that a branch or a full hash names."""
        branches = self._found(address)
        if not branches:
            raise EmptyRepositoryError(f"{address} has no commit yet.")
        return self._commit(address, branches.get(ref.removeprefix("refs/heads/"), ref.lower()))[0]

    async def files(self, address: str, commit: str) -> Mapping[str, int]:
        """Return the paths of the commit's files, and their sizes in bytes."""
        return {path: len(content) for path, content in self._commit(address, commit.lower())[1].items()}

    async def read(self, address: str, commit: str, path: str) -> bytes:
        """Return one file of the commit."""
        files = self._commit(address, commit.lower())[1]
        if path not in files:
            raise UnknownRefError(f"Commit {commit[:12]} of {address} has no file {path!r}.")
        return files[path]

    async def checkout(self, address: str, commit: str, into: Path) -> None:
        """Write the commit's files into ``into``, replacing what an earlier call left there."""
        _write_all(self._commit(address, commit.lower())[1], into)

    def _found(self, address: str) -> dict[str, str]:
        if self._failure is not None:
            raise self._failure
        if not address.startswith(_SCHEME):
            raise InvalidRepositoryError(f"{address!r} is no address of a repository.", hint="Use memory:<name>.")
        if address not in self._branches:
            raise UnknownRepositoryError(f"There is no repository at {address}.")
        return self._branches[address]

    async def sweep(self, used: Collection[str]) -> None:
        """Nothing is kept but the repositories themselves."""

    def _commit(self, address: str, sha: str) -> tuple[Commit, dict[str, bytes]]:
        branches = self._found(address)
        if (found := self._commits.get((address, sha))) is None:
            listed = ", ".join(sorted(branches))
            raise UnknownRefError(f"{address} has no branch or commit {sha[:100]!r}. Its branches are: {listed}.")
        return found


def _write_all(files: Mapping[str, bytes], into: Path) -> None:
    if into.exists():
        rmtree(into)
    into.mkdir(parents=True)
    for path, content in files.items():
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
