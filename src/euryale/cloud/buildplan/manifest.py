"""What a package.json says that a build plan needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from euryale.cloud.buildplan.documents import json_object, string, strings, table
from euryale.cloud.buildplan.errors import BadManifestError
from euryale.cloud.buildplan.files import RepositoryFiles, join

_LIFECYCLE = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
_BY_PATH = ("file:", "link:", "portal:")


@dataclass(frozen=True, slots=True)
class NodeManifest:
    """A package.json.

    Attributes:
        path: Where it is, relative to the repository's top.
        name: The package's name; may be empty.
        scripts: Its scripts by name.
        dependencies: What it depends on at run time: ranges by name.
        dev_dependencies: What it needs to be built.
        engines: The ranges of versions that it accepts, by program.
        package_manager: The manager it asks for, as written, or None.
        workspaces: The patterns of the directories that are installed with it.
    """

    path: str
    name: str
    scripts: Mapping[str, str]
    dependencies: Mapping[str, str]
    dev_dependencies: Mapping[str, str]
    engines: Mapping[str, str]
    package_manager: str | None
    workspaces: tuple[str, ...]

    @property
    def requires(self) -> Mapping[str, str]:
        """Everything that it depends on, at build time or at run time."""
        return {**self.dev_dependencies, **self.dependencies}

    @property
    def installs_by_script(self) -> bool:
        """Whether installing it runs a script of its own, or reads other directories."""
        return any(name in self.scripts for name in _LIFECYCLE) or any(
            wanted.startswith(_BY_PATH) for wanted in self.requires.values()
        )


def read_manifest(files: RepositoryFiles, directory: str) -> NodeManifest | None:
    """Return the package.json of a directory, or None if it has none.

    Raises:
        BadManifestError: If it is not JSON, or what matters here is not of its type.
    """
    path = join(directory, "package.json")
    data = json_object(files, path)
    if data is None:
        return None
    optional = strings(data, "optionalDependencies", path)
    return NodeManifest(
        path=path,
        name=string(data, "name", path) or "",
        scripts=strings(data, "scripts", path),
        dependencies={**optional, **strings(data, "dependencies", path)},
        dev_dependencies=strings(data, "devDependencies", path),
        engines=strings(data, "engines", path),
        package_manager=string(data, "packageManager", path),
        workspaces=_workspaces(data, path),
    )


def _workspaces(data: Mapping[str, Any], path: str) -> tuple[str, ...]:
    value = data.get("workspaces", [])
    if isinstance(value, dict):
        value = table(data, "workspaces", path).get("packages", [])
    return patterns(value, "workspaces", path)


def patterns(value: object, key: str, path: str) -> tuple[str, ...]:
    """Return a list of patterns of directories.

    Raises:
        BadManifestError: If it is not a list of texts.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadManifestError(f"{path}: {key!r} must be a list of directories.", file=path)
    return tuple(value)
