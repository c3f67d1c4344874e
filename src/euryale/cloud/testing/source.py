"""What every source does: a suite to be run by pytest (with asyncio) on each member.

Subclass :class:`SourceContract` and give it a fixture ``bench``: the source, and a way to make repositories for it.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from euryale.cloud.providers.source.contract import (
    EmptyRepositoryError,
    InvalidRepositoryError,
    Source,
    UnknownRefError,
    UnknownRepositoryError,
)
from euryale.cloud.testing.expect import expect, expect_equal, expect_error
from euryale.kit.machine_time import utc_now

_NOWHERE = "0123456789" * 4
_FILES = {"README.md": b"hello\n", "src/app.py": b"print()\n", "data.bin": bytes(range(256)), "empty": b""}


class SourceBench(Protocol):
    """A source under test, and the other side of it.

    Attributes:
        source: The member.
    """

    source: Source

    async def create(self) -> str:
        """Make an empty repository and return its address."""
        ...

    async def missing(self) -> str:
        """Return a valid address at which there is no repository."""
        ...

    async def commit(self, address: str, branch: str, files: Mapping[str, bytes], message: str) -> str:
        """Make a commit with exactly these files the head of a branch; return its hash."""
        ...

    async def delete_branch(self, address: str, branch: str) -> None:
        """Delete a branch."""
        ...


class SourceContract:
    """True of every member."""

    async def test_sees_branches_and_their_heads(self, bench: SourceBench) -> None:
        """Inspecting tells the default branch and every branch's commit, as they are now."""
        address = await bench.create()
        main = await bench.commit(address, "main", _FILES, "first")
        feature = await bench.commit(address, "feature/a-b", {"x": b"x"}, "second")
        seen = await bench.source.inspect(address)
        expect_equal((seen.default_branch, dict(seen.branches)), ("main", {"main": main, "feature/a-b": feature}))
        newer = await bench.commit(address, "main", {"y": b"y"}, "third")
        expect_equal((await bench.source.inspect(address)).branches["main"], newer)

    async def test_resolves_branches_and_hashes(self, bench: SourceBench) -> None:
        """A branch names its head, also after it moved; a full hash names itself."""
        address = await bench.create()
        first = await bench.commit(address, "main", _FILES, "A title: ümläut\n\nand a body")
        commit = await bench.source.resolve(address, "main")
        expect_equal((commit.sha, commit.message), (first, "A title: ümläut"))
        expect(commit.author, "the author is missing")
        expect(abs(commit.at - utc_now()) < timedelta(days=1), f"{commit.at} is not the time of the commit")
        second = await bench.commit(address, "main", {"y": b"y"}, "second")
        expect_equal((await bench.source.resolve(address, "main")).sha, second)
        expect_equal((await bench.source.resolve(address, first)).sha, first)
        expect_equal((await bench.source.resolve(address, first.upper())).sha, first)

    async def test_knows_a_deleted_branch_no_longer(self, bench: SourceBench) -> None:
        """What was deleted over there is gone here, and the message lists what is left."""
        address = await bench.create()
        await bench.commit(address, "main", _FILES, "first")
        await bench.commit(address, "gone", {"x": b"x"}, "second")
        expect_equal((await bench.source.resolve(address, "gone")).message, "second")
        await bench.delete_branch(address, "gone")
        error = await expect_error(UnknownRefError, bench.source.resolve(address, "gone"))
        expect("main" in str(error), f"the branches are not listed in: {error}")

    async def test_refuses_what_is_no_ref(self, bench: SourceBench) -> None:
        """Unknown, malformed and hostile names end in one kind of error."""
        address = await bench.create()
        await bench.commit(address, "main", _FILES, "first")
        hostile = (
            "",
            "nope",
            "--upload-pack=touch /tmp/x",
            "-main",
            "a..b",
            "main^",
            "main:README.md",
            "HEAD@{1}",
            "a b",
        )
        for ref in (*hostile, "../main", "main\n", "main\0", "\udcff", "refs/heads/", _NOWHERE, "a" * 300):
            await expect_error(UnknownRefError, bench.source.resolve(address, ref))

    async def test_says_that_a_repository_is_empty(self, bench: SourceBench) -> None:
        """A repository without a commit is told from one that is not there."""
        address = await bench.create()
        await expect_error(EmptyRepositoryError, bench.source.inspect(address))
        await expect_error(EmptyRepositoryError, bench.source.resolve(address, "main"))
        await expect_error(EmptyRepositoryError, bench.source.resolve(address, _NOWHERE))

    async def test_says_that_a_repository_is_unknown(self, bench: SourceBench) -> None:
        """Every method says so."""
        address, source = await bench.missing(), bench.source
        for call in (source.inspect(address), source.resolve(address, "main"), source.files(address, _NOWHERE)):
            await expect_error(UnknownRepositoryError, call)
        await expect_error(UnknownRepositoryError, source.read(address, _NOWHERE, "README.md"))

    async def test_refuses_what_is_no_address(self, bench: SourceBench) -> None:
        """Nothing that could be an option or a command gets to the provider."""
        for address in ("", "--help", "ext::sh -c true", "not an address", "ftp://example.com/a", "https://"):
            await expect_error(InvalidRepositoryError, bench.source.inspect(address))

    async def test_lists_and_reads_files(self, bench: SourceBench) -> None:
        """Sizes and contents are those of the commit, byte for byte."""
        address = await bench.create()
        old = await bench.commit(address, "main", _FILES, "first")
        await bench.commit(address, "main", {"other": b"1"}, "second")
        expect_equal(dict(await bench.source.files(address, old)), {path: len(text) for path, text in _FILES.items()})
        for path, text in _FILES.items():
            expect_equal(await bench.source.read(address, old, path), text)

    async def test_reads_nothing_but_files_of_the_commit(self, bench: SourceBench) -> None:
        """Directories, other paths and paths that climb are unknown."""
        address = await bench.create()
        commit = await bench.commit(address, "main", _FILES, "first")
        for path in (
            "",
            "src",
            "src/",
            "/README.md",
            "../README.md",
            "src/../README.md",
            "*",
            "--",
            "README.md\0",
            "\udcff",
        ):
            await expect_error(UnknownRefError, bench.source.read(address, commit, path))
        for commit_name in (_NOWHERE, "main", "--all", ""):
            await expect_error(UnknownRefError, bench.source.read(address, commit_name, "README.md"))
            await expect_error(UnknownRefError, bench.source.files(address, commit_name))

    async def test_checks_out_a_commit(self, bench: SourceBench, tmp_path: Path) -> None:
        """A missing or empty directory gets the commit's files and nothing else."""
        address = await bench.create()
        commit = await bench.commit(address, "main", _FILES, "first")
        await bench.source.checkout(address, commit, tmp_path / "new" / "missing")
        expect_equal(tree(tmp_path / "new" / "missing"), _FILES)
        (tmp_path / "empty").mkdir()
        await bench.source.checkout(address, commit, tmp_path / "empty")
        expect_equal(tree(tmp_path / "empty"), _FILES)
        expect_equal({path.name for path in (tmp_path / "new").iterdir()}, {"missing"})

    async def test_checks_out_again(self, bench: SourceBench, tmp_path: Path) -> None:
        """A repetition, or another commit, leaves exactly that commit's files."""
        address, into = await bench.create(), tmp_path / "into"
        first = await bench.commit(address, "main", _FILES, "first")
        second = await bench.commit(address, "main", {"only": b"1"}, "second")
        for commit, files in ((first, _FILES), (first, _FILES), (second, {"only": b"1"})):
            await bench.source.checkout(address, commit, into)
            expect_equal(tree(into), files)

    async def test_checks_nothing_out_of_an_unknown_commit(self, bench: SourceBench, tmp_path: Path) -> None:
        """The directory is not made."""
        address = await bench.create()
        await bench.commit(address, "main", _FILES, "first")
        await expect_error(UnknownRefError, bench.source.checkout(address, _NOWHERE, tmp_path / "into"))
        expect(not (tmp_path / "into").exists(), "a directory was made for nothing")

    async def test_serves_many_at_once(self, bench: SourceBench, tmp_path: Path) -> None:
        """Callers that come together, also for the first fetch, do not get into each other's way."""
        address = await bench.create()
        commit = await bench.commit(address, "main", _FILES, "first")
        resolved = await asyncio.gather(*(bench.source.resolve(address, "main") for _ in range(5)))
        expect_equal({each.sha for each in resolved}, {commit})
        await asyncio.gather(*(bench.source.checkout(address, commit, tmp_path / f"{n}") for n in range(5)))
        for n in range(5):
            expect_equal(tree(tmp_path / f"{n}"), _FILES)


def tree(root: Path) -> dict[str, bytes]:
    """Return the files below ``root`` and their contents."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
