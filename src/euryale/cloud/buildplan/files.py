"""A repository at a commit, as far as a build plan needs to see it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from euryale.cloud.buildplan.errors import BadManifestError, RootDirectoryError

CONTENT_LIMIT = 2 * 1024 * 1024
"""How many bytes of a file are ever looked at; the caller need not hand over more."""

_MANIFEST_LIMIT = 400
_NAMES = frozenset({
    ".node-version",
    ".nvmrc",
    ".python-version",
    ".tool-versions",
    ".yarnrc.yml",
    "Procfile",
    "euryale.toml",
    "medusa-config.js",
    "medusa-config.ts",
    "package.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "pyproject.toml",
    "requirements.txt",
    "uv.lock",
    "yarn.lock",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class RepositoryFiles:
    """An immutable view of a repository at a commit.

    Attributes:
        paths: The size in bytes of every regular file, by its path relative to the top ("/" between names). Links and
            submodules are left out: what they point to is not the repository's.
        contents: The first ``CONTENT_LIMIT`` bytes of every file that ``wanted`` names for these paths.
    """

    paths: Mapping[str, int]
    contents: Mapping[str, bytes]

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", MappingProxyType(dict(self.paths)))
        object.__setattr__(self, "contents", MappingProxyType(dict(self.contents)))

    def has(self, path: str) -> bool:
        """Say whether there is a regular file at the path."""
        return path in self.paths

    def under(self, directory: str) -> tuple[str, ...]:
        """Return the paths of the files in a directory and below it, sorted."""
        if directory == ".":
            return tuple(sorted(self.paths))
        return tuple(sorted(path for path in self.paths if path.startswith(f"{directory}/")))

    def head(self, path: str) -> str | None:
        """Return the beginning of a file's text, at most ``CONTENT_LIMIT`` bytes, or None if there is no such file.

        Bytes that are no UTF-8 are replaced, for only marks are looked for in it.

        Raises:
            LookupError: If its content was not handed over though ``wanted`` names it.
        """
        if path not in self.paths:
            return None
        if path not in self.contents:
            raise LookupError(f"the content of {path} was not handed over")
        return self.contents[path][:CONTENT_LIMIT].decode("utf-8-sig", errors="replace")

    def text(self, path: str) -> str | None:
        """Return a file's whole text, or None if there is no such file.

        Raises:
            BadManifestError: If it is larger than ``CONTENT_LIMIT``, or no UTF-8 text.
            LookupError: If its content was not handed over though ``wanted`` names it.
        """
        if path not in self.paths:
            return None
        if self.paths[path] > CONTENT_LIMIT:
            raise BadManifestError(f"{path} has {self.paths[path]} bytes; at most {CONTENT_LIMIT} are read.", file=path)
        if path not in self.contents:
            raise LookupError(f"the content of {path} was not handed over")
        try:
            text = self.contents[path].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadManifestError(
                f"{path} is not UTF-8 text ({error.reason}). Save it as UTF-8.", file=path
            ) from error
        if "\0" in text:
            raise BadManifestError(f"{path} holds a NUL byte, so it is no text. Save it as UTF-8.", file=path)
        return text


def wanted(paths: Collection[str], root: str = ".") -> frozenset[str]:
    """Return the files whose contents ``plan`` will look at, for a repository of these paths.

    Args:
        paths: Every regular file of the repository.
        root: The application's directory, relative to the top.

    Raises:
        RootDirectoryError: If ``root`` is no directory in a repository.
    """
    chain = ancestry(normal_root(root))
    named = {join(directory, name) for directory in chain for name in _NAMES} & set(paths)
    manifests = sorted(
        (path for path in paths if PurePosixPath(path).name == "package.json" and not is_vendored(path)),
        key=lambda path: (path.count("/"), path),
    )
    return frozenset(named) | frozenset(manifests[:_MANIFEST_LIMIT])


def normal_root(root: str) -> str:
    """Return the root directory in its one spelling: "." or names joined by "/".

    Raises:
        RootDirectoryError: If it is absolute, holds "..", or characters that no directory of a project has.
    """
    path = PurePosixPath(root)
    if path.is_absolute() or ".." in path.parts or "\\" in root or not root.isprintable():
        raise RootDirectoryError(
            f"The root directory {root!r} is not inside of the repository.",
            file=".",
            hint='Set it relative to the repository\'s top, like "apps/backend", without "..".',
        )
    return path.as_posix()


def ancestry(directory: str) -> tuple[str, ...]:
    """Return the directory and those above it, innermost first; the last is "."."""
    if directory == ".":
        return (".",)
    path = PurePosixPath(directory)
    return (path.as_posix(), *(parent.as_posix() for parent in path.parents))


def join(directory: str, name: str) -> str:
    """Return the path of what is called ``name`` in a directory of the repository."""
    return (PurePosixPath(directory) / name).as_posix()


def relative(target: str, start: str) -> str:
    """Return how to get from one directory of the repository to another that is above or below it.

    Raises:
        ValueError: If neither holds the other.
    """
    if target == start:
        return "."
    if target in ancestry(start):
        up = len(PurePosixPath(start).parts) - len(PurePosixPath(target).parts)
        return "/".join([".."] * up)
    return PurePosixPath(target).relative_to(PurePosixPath(start)).as_posix()


def is_vendored(path: str) -> bool:
    """Say whether the path belongs to an installed package, not to the project."""
    return "node_modules" in PurePosixPath(path).parts[:-1]
