"""Which Node runs the application."""

import re
from dataclasses import dataclass

from euryale.cloud.buildplan.errors import BadManifestError, NoRuntimeVersionError
from euryale.cloud.buildplan.files import RepositoryFiles, join
from euryale.cloud.buildplan.manifest import NodeManifest
from euryale.cloud.buildplan.semver import NpmRange

SUPPORTED_NODE = (20, 22, 24)
DEFAULT_NODE = 24
_NEWEST_FIRST = tuple(reversed(SUPPORTED_NODE))

_FILES = (".nvmrc", ".node-version", ".tool-versions")
_LTS = {"argon": 4, "boron": 6, "carbon": 8, "dubnium": 10, "erbium": 12, "fermium": 14, "gallium": 16, "hydrogen": 18,
        "iron": 20, "jod": 22, "krypton": 24}  # fmt: skip
_NEWEST = frozenset({"lts/*", "lts", "node", "latest", "current", "stable"})
_NUMBER = re.compile(r"v?([0-9]{1,4})(?:\.(?:[0-9]{1,6}|x)){0,2}")
_TOOL = re.compile(r"^(?:nodejs|node)[ \t]+(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """The version of a runtime, and why it is that one.

    Attributes:
        version: The version: a Node major or a Python minor.
        source: The file, and field if any, that decided.
        notes: What a person should know about the choice.
    """

    version: str
    source: str
    notes: tuple[str, ...] = ()


def choose_node(
    files: RepositoryFiles, manifests: tuple[NodeManifest, ...], directories: tuple[str, ...]
) -> RuntimeVersion:
    """Decide which major of Node runs the application; the newest release of it is installed.

    The newest supported major within ``engines.node``; else what ``.nvmrc``, ``.node-version`` or ``.tool-versions``
    say; else 24. (Medusa Cloud takes the smallest; but the wheels of Node 20 end before the release that Medusa needs.)

    Args:
        files: The repository.
        manifests: The package.json files to ask, the application's own first.
        directories: Where to look for the other files, the root directory first.

    Raises:
        NoRuntimeVersionError: If none of the supported majors is accepted.
        BadManifestError: If what is written is no version.
    """
    for manifest in manifests:
        written = manifest.engines.get("node")
        chosen = None if written is None else _of_engines(manifest.path, written)
        if chosen is not None:
            return chosen
    for directory in directories:
        for name in _FILES:
            chosen = _of_file(files, join(directory, name))
            if chosen is not None:
                return chosen
    return RuntimeVersion(str(DEFAULT_NODE), "default")


def _of_engines(path: str, written: str) -> RuntimeVersion | None:
    source = f"{path} engines.node"
    try:
        accepted = NpmRange.parse(written)
    except ValueError as error:
        raise BadManifestError(
            f"{source} is {written!r}, which is no range of versions.", file=path, hint='Write it like ">=22".'
        ) from error
    if accepted.is_any:
        return None
    for major in _NEWEST_FIRST:
        if accepted.admits_latest(major):
            return RuntimeVersion(str(major), source)
    for major in _NEWEST_FIRST:
        if accepted.admits_some(major):
            note = f"{source} asks for {written!r}; the newest release of Node {major} is used."
            return RuntimeVersion(str(major), source, (note,))
    raise _unsupported(path, f"{source} is {written!r}")


def _of_file(files: RepositoryFiles, path: str) -> RuntimeVersion | None:
    written = _written(path, files.text(path))
    if written is None:
        return None
    if written in _NEWEST:
        return RuntimeVersion(str(SUPPORTED_NODE[-1]), path)
    number = _NUMBER.fullmatch(written)
    major = int(number[1]) if number else _LTS.get(written.removeprefix("lts/"))
    if major is None:
        raise BadManifestError(f"{path} says {written!r}, which is no version of Node.", file=path, hint="Write 22.")
    if major not in SUPPORTED_NODE:
        raise _unsupported(path, f"{path} says {written!r}")
    return RuntimeVersion(str(major), path)


def _written(path: str, text: str | None) -> str | None:
    if text is None:
        return None
    if path.endswith(".tool-versions"):
        match = _TOOL.search(text)
        return match[1].lower() if match else None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return next((line.lower() for line in lines if line), None)


def _unsupported(path: str, what: str) -> NoRuntimeVersionError:
    listed = ", ".join(map(str, SUPPORTED_NODE))
    return NoRuntimeVersionError(
        f"{what}, but the supported versions of Node are {listed}.", file=path, hint="Change it to admit one of these."
    )
