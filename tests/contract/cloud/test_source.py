"""The members of the source family keep their contract."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from euryale.cloud.providers.source.git.http_app import GitHttpApp
from euryale.cloud.providers.source.git.remote import GitRemotes
from euryale.cloud.providers.source.git.source import GitSource
from euryale.cloud.providers.source.memory import MemorySource
from euryale.cloud.testing.source import SourceBench, SourceContract
from euryale.kit.secret import Secret
from git_repository import Repository
from http_server import serving


class DirectoryBench:
    """Repositories in directories: what ``git clone /path`` reads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = GitSource(root / "copies")
        self.repositories: dict[str, Repository] = {}

    def address_of(self, path: Path) -> str:
        return str(path)

    async def create(self) -> str:
        path = self.root / f"there{len(self.repositories)}.git"
        address = self.address_of(path)
        self.repositories[address] = Repository(path)
        return address

    async def missing(self) -> str:
        return self.address_of(self.root / "missing.git")

    async def commit(self, address: str, branch: str, files: Mapping[str, bytes], message: str) -> str:
        return self.repositories[address].commit(branch, files, message)

    async def delete_branch(self, address: str, branch: str) -> None:
        self.repositories[address].delete_branch(branch)


class OwnBench(DirectoryBench):
    """The platform's own repositories, read where they are."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.remotes = GitRemotes(root / "remotes")
        self.source = GitSource(root / "copies", remotes=self.remotes)

    async def create(self) -> str:
        name = f"there{len(self.repositories)}"
        address = self.remotes.address(name)
        self.repositories[address] = Repository(self.remotes.path(name))
        return address

    async def missing(self) -> str:
        return self.remotes.address("missing")


class HttpBench(DirectoryBench):
    """Repositories behind smart HTTP that asks for a password."""

    def __init__(self, root: Path, remotes: GitRemotes, url: str) -> None:
        super().__init__(root)
        self.remotes = remotes
        self.url = url

    async def create(self) -> str:
        name = f"there{len(self.repositories)}"
        address = f"{self.url}/{name}.git".replace("://", "://ada:t%40ken@")
        self.repositories[address] = Repository(self.remotes.path(name))
        return address

    async def missing(self) -> str:
        return f"{self.url}/missing.git".replace("://", "://ada:t%40ken@")


class MemoryBench:
    def __init__(self) -> None:
        self.source = MemorySource()
        self.made = 0

    async def create(self) -> str:
        self.made += 1
        return self.source.create(f"there{self.made}")

    async def missing(self) -> str:
        return "memory:missing"

    async def commit(self, address: str, branch: str, files: Mapping[str, bytes], message: str) -> str:
        return self.source.commit(address, branch, files, message)

    async def delete_branch(self, address: str, branch: str) -> None:
        self.source.delete_branch(address, branch)


class TestMemory(SourceContract):
    @pytest.fixture
    def bench(self) -> SourceBench:
        return MemoryBench()


class TestGitDirectory(SourceContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> SourceBench:
        return DirectoryBench(tmp_path / "git")


class TestGitOwn(SourceContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> SourceBench:
        return OwnBench(tmp_path / "git")


class TestGitHttp(SourceContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[SourceBench]:
        remotes = GitRemotes(tmp_path / "git" / "remotes")

        async def only_ada(user: str, password: Secret, name: str, service: str) -> bool:
            return (user, password.reveal(), service) == ("ada", "t@ken", "git-upload-pack")

        async def nobody(_: object) -> None:
            raise AssertionError("nobody pushes here")

        async with serving(GitHttpApp(remotes, authorize=only_ada, on_push=nobody)) as url:
            yield HttpBench(tmp_path / "git", remotes, url)
