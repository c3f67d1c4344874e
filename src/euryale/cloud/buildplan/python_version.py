"""Which Python runs the application."""

import re
from collections.abc import Mapping
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from euryale.cloud.buildplan.documents import string, table
from euryale.cloud.buildplan.errors import BadManifestError, NoRuntimeVersionError
from euryale.cloud.buildplan.files import RepositoryFiles, join
from euryale.cloud.buildplan.node_version import RuntimeVersion

SUPPORTED_PYTHON = ("3.11", "3.12", "3.13", "3.14")
"""The default first; then the one to try next."""

_WRITTEN = re.compile(r"(?:cpython-|python-?)?(3\.[0-9]{1,3})(?:\.[0-9]{1,3})?")
_TOOL = re.compile(r"^python[ \t]+(\S+)", re.MULTILINE)
_PATCHES = 60


def choose_python(files: RepositoryFiles, root: str, pyproject: Mapping[str, Any] | None) -> RuntimeVersion:
    """Decide which minor version of Python runs the application.

    What ``.python-version`` or ``.tool-versions`` say; else the smallest supported that ``requires-python`` admits;
    else 3.11. ``requires-python`` must admit it in any case.

    Args:
        files: The repository.
        root: The application's directory.
        pyproject: What its pyproject.toml says, or None if it has none.

    Raises:
        NoRuntimeVersionError: If no supported version is accepted.
        BadManifestError: If what is written is no version.
    """
    path = join(root, "pyproject.toml")
    accepted = _requires(pyproject, path)
    pinned = _pinned(files, root)
    if pinned is not None:
        if accepted is not None and not _admits(accepted, pinned.version):
            raise NoRuntimeVersionError(
                f"{pinned.source} says {pinned.version}, which requires-python ({accepted}) in {path} excludes.",
                file=pinned.source,
                hint="Make the two agree.",
            )
        return pinned
    if accepted is None:
        return RuntimeVersion(SUPPORTED_PYTHON[0], "default")
    for version in SUPPORTED_PYTHON:
        if _admits(accepted, version):
            return RuntimeVersion(version, f"{path} requires-python")
    raise _unsupported(path, f"{path} requires-python is {str(accepted)!r}")


def _requires(pyproject: Mapping[str, Any] | None, path: str) -> SpecifierSet | None:
    written = None if pyproject is None else string(table(pyproject, "project", path), "requires-python", path)
    if written is None:
        return None
    try:
        return SpecifierSet(written)
    except InvalidSpecifier as error:
        raise BadManifestError(
            f"{path}: requires-python is {written!r}, which is no range of versions.",
            file=path,
            hint='Write it like ">=3.11".',
        ) from error


def _admits(accepted: SpecifierSet, minor: str) -> bool:
    return any(accepted.contains(f"{minor}.{patch}") for patch in range(_PATCHES))


def _pinned(files: RepositoryFiles, root: str) -> RuntimeVersion | None:
    for name in (".python-version", ".tool-versions"):
        path = join(root, name)
        written = _written(path, files.text(path))
        if written is None:
            continue
        match = _WRITTEN.fullmatch(written)
        if match is None:
            raise BadManifestError(
                f"{path} says {written!r}, which is no version of Python.", file=path, hint="Write 3.11."
            )
        if match[1] not in SUPPORTED_PYTHON:
            raise _unsupported(path, f"{path} says {written!r}")
        return RuntimeVersion(match[1], path)
    return None


def _written(path: str, text: str | None) -> str | None:
    if text is None:
        return None
    if path.endswith(".tool-versions"):
        match = _TOOL.search(text)
        return match[1] if match else None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return next((line for line in lines if line), None)


def _unsupported(path: str, what: str) -> NoRuntimeVersionError:
    return NoRuntimeVersionError(
        f"{what}, but the supported versions of Python are {', '.join(SUPPORTED_PYTHON)}.",
        file=path,
        hint="Change it to admit one of these.",
    )
