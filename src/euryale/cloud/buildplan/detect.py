"""The entrance: which rules apply to a repository, and the plan they make."""

from collections.abc import Callable, Mapping

from euryale.cloud.buildplan.errors import (
    AmbiguousLanguageError,
    NoManifestError,
    RootDirectoryError,
    UnknownPresetError,
)
from euryale.cloud.buildplan.euryale_app import euryale_plan, read_settings
from euryale.cloud.buildplan.files import RepositoryFiles, join, normal_root
from euryale.cloud.buildplan.medusa import is_medusa, medusa_plan
from euryale.cloud.buildplan.node import elsewhere, node_plan
from euryale.cloud.buildplan.plan import BuildPlan
from euryale.cloud.buildplan.python import python_plan

_PRESETS: Mapping[str, Callable[[RepositoryFiles, str], BuildPlan]] = {
    "euryale": euryale_plan,
    "medusa": medusa_plan,
    "node": node_plan,
    "python": python_plan,
}
_PYTHON = ("pyproject.toml", "requirements.txt", "uv.lock", "Pipfile", "Pipfile.lock", "poetry.lock", "pdm.lock")


def plan(files: RepositoryFiles, *, root: str = ".", preset: str | None = None) -> BuildPlan:
    """Decide how to build and run the application in a repository. Equal input makes an equal plan.

    Args:
        files: The repository at a commit.
        root: The application's directory, relative to the repository's top.
        preset: The rules to apply: "medusa", "euryale", "node" or "python"; None to find out.

    Raises:
        BuildRefusedError: If it cannot be built. The subclass says why, the message which file to add or change.
    """
    directory = _existing(files, root)
    name = preset if preset is not None else _detect(files, directory)
    if name not in _PRESETS:
        raise UnknownPresetError(
            f"There is no preset {name!r}.", file=".", hint=f"The presets are {', '.join(sorted(_PRESETS))}."
        )
    return _PRESETS[name](files, directory)


def _existing(files: RepositoryFiles, root: str) -> str:
    directory = normal_root(root)
    if not files.under(directory):
        what = (
            "The repository holds no file." if directory == "." else f"The root directory {directory!r} is not there."
        )
        raise RootDirectoryError(
            what, file=directory, hint=f"Set the directory that holds the application.{elsewhere(files, directory)}"
        )
    return directory


def _detect(files: RepositoryFiles, root: str) -> str:
    node = files.has(join(root, "package.json"))
    python = any(files.has(join(root, name)) for name in _PYTHON)
    if read_settings(files, root) is not None:
        return "euryale"
    if node and is_medusa(files, root):
        return "medusa"
    if node and python:
        raise AmbiguousLanguageError(
            f"{root!r} holds a Node project (package.json) and a Python project.",
            file=join(root, "package.json"),
            hint="Choose the preset node or python.",
        )
    if node or python:
        return "node" if node else "python"
    raise NoManifestError(
        f"There is no application in {root!r}: neither package.json nor pyproject.toml nor requirements.txt.",
        file=join(root, "package.json"),
        hint=f"Add one of them, or set the right root directory.{elsewhere(files, root)}",
    )
