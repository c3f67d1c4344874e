"""Reads commits out of a bare repository on this machine, and writes their files into a directory."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError
from euryale.cloud.providers.source.contract import Commit, UnknownRefError
from euryale.cloud.providers.source.git.address import without_credentials
from euryale.cloud.providers.source.git.command import Finished, run_git
from euryale.cloud.providers.source.git.names import is_file_path
from euryale.cloud.providers.source.git.tree import Entry, leads_out, parse_listing

LARGEST_READ: Final = 64 * 1024 * 1024
_LONGEST_LINK = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reader:
    """A bare repository to read from.

    Attributes:
        git_dir: Where it is.
        shown: Its address, for messages.
        env: The environment of git.
        limit: Seconds that one git command may take.
    """

    git_dir: Path
    shown: str
    env: Mapping[str, str]
    limit: float

    async def has(self, commit: str) -> bool:
        """Return whether the commit is here."""
        return (await self._run("cat-file", "-e", f"{commit}^{{commit}}")).status == 0

    async def head_of(self, branch: str) -> str | None:
        """Return the commit that a branch points at."""
        done = await self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"refs/heads/{branch}^{{commit}}"
        )
        return done.stdout.decode().strip() if done.status == 0 else None

    async def branches(self) -> list[str]:
        """Return the names of the branches, sorted."""
        done = self._worked(await self._run("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"))
        return done.stdout.decode(errors="replace").splitlines()

    async def describe(self, commit: str) -> Commit:
        """Return what is known of a commit that is here."""
        words = ("log", "-1", "--no-show-signature", "--format=%H%x00%an%x00%at%x00%B", commit, "--")
        done = self._worked(await self._run(*words))
        sha, author, seconds, message = done.stdout.decode(errors="replace").split("\0", 3)
        return Commit(sha, next(iter(message.splitlines()), ""), author, _time(seconds))

    async def entries(self, commit: str) -> list[Entry]:
        """Return everything in the tree of a commit that is here."""
        done = self._worked(await self._run("ls-tree", "-r", "-l", "-z", "--full-tree", commit))
        return parse_listing(done.stdout)

    async def content(self, commit: str, path: str) -> bytes:
        """Return a file of a commit that is here.

        Raises:
            UnknownRefError: If there is no regular file of that path.
            PermanentError: If it is larger than 64 MiB.
        """
        entry = await self._entry(commit, path) if is_file_path(path) else None
        if entry is None or not entry.regular:
            raise UnknownRefError(f"Commit {commit[:12]} of {self.shown} has no file {path!r}.")
        if entry.size > LARGEST_READ:
            raise PermanentError(f"{path!r} has {entry.size} bytes; files up to {LARGEST_READ} are read.")
        return self._worked(await self._run("cat-file", "blob", entry.object)).stdout

    async def write(self, commit: str, into: Path) -> None:
        """Write the files of a commit that is here into ``into``: whole, or not at all.

        They are written beside it first, in a directory that a repetition after a kill throws away.

        Raises:
            PermanentError: If the tree holds what must not be written: links that lead out, or a ``.git``.
        """
        await self._check_tree(commit)
        beside, tree = _places(into)
        await asyncio.to_thread(_make_anew, beside, tree)
        try:
            env = {"GIT_WORK_TREE": str(tree), "GIT_INDEX_FILE": str(beside / "index")}
            for words in (("read-tree", commit), ("checkout-index", "--all", "--quiet")):
                done = await self._run(*words, cwd=tree, env=env)
                if "invalid path" in done.stderr:
                    raise PermanentError(f"{self.shown} holds a path that is not written: {done.stderr.strip()}")
                self._worked(done)
            await asyncio.to_thread(_put_in_place, tree, into)
        finally:
            await asyncio.to_thread(shutil.rmtree, beside, ignore_errors=True)

    async def _entry(self, commit: str, path: str) -> Entry | None:
        done = await self._run("ls-tree", "-l", "-z", "--full-tree", commit, "--", path)
        wanted = path.encode()
        return next((entry for entry in parse_listing(self._worked(done).stdout) if entry.path == wanted), None)

    async def _check_tree(self, commit: str) -> None:
        entries = await self.entries(commit)
        for entry in entries:
            if b".git" in entry.path.lower().split(b"/"):
                raise PermanentError(f"{self.shown} holds {_shown(entry.path)}, which only git itself may write.")
        links = await self._links([entry for entry in entries if entry.link])
        for link in links:
            if leads_out(link, links):
                raise PermanentError(
                    f"The symbolic link {_shown(link)} of {self.shown} leads out of the repository, "
                    f"to {_shown(links[link])}.",
                    hint="Make it point at a file of the repository, relative to the link.",
                )

    async def _links(self, entries: list[Entry]) -> dict[bytes, bytes]:
        for entry in entries:
            if entry.size > _LONGEST_LINK:
                raise PermanentError(f"The symbolic link {_shown(entry.path)} of {self.shown} is too long.")
        if not entries:
            return {}
        asked = "".join(f"{entry.object}\n" for entry in entries).encode()
        output = self._worked(await self._run("cat-file", "--batch", stdin=asked)).stdout
        links, at = {}, 0
        for entry in entries:
            start = output.index(b"\n", at) + 1
            links[entry.path] = output[start : start + entry.size]
            at = start + entry.size + 1
        return links

    def _worked(self, done: Finished) -> Finished:
        if done.status != 0:
            said = without_credentials(done.stderr.strip())[-400:]
            raise ProviderUnavailableError(f"git could not read the copy of {self.shown}: {said}")
        return done

    async def _run(
        self, *words: str, stdin: bytes = b"", cwd: Path | None = None, env: Mapping[str, str] = MappingProxyType({})
    ) -> Finished:
        whole = {**self.env, "GIT_DIR": str(self.git_dir), **env}
        return await run_git(words, env=whole, cwd=cwd or self.git_dir, limit=self.limit, stdin=stdin)


def _time(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return _EPOCH  # a commit may carry any number


def _shown(path: bytes) -> str:
    return repr(path.decode(errors="replace")[:200])


def _places(into: Path) -> tuple[Path, Path]:
    """Return a directory beside ``into``, always the same one, and where the files stand in it."""
    beside = into.absolute().parent / f".{into.name}.checkout"
    return beside, beside / "tree"


def _make_anew(beside: Path, tree: Path) -> None:
    if beside.exists():
        shutil.rmtree(beside)
    tree.mkdir(parents=True)


def _put_in_place(tree: Path, into: Path) -> None:
    """Replace what a repetition finds: an empty directory, or the whole one that was written before."""
    if into.is_dir() and not into.is_symlink() and any(into.iterdir()):
        into.rename(tree.with_name("replaced"))
    tree.rename(into)
