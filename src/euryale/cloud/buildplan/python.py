"""Applications for Python: what all of them share, and the plan of those without a preset of their own."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from euryale.cloud.buildplan.documents import string, table, toml_table
from euryale.cloud.buildplan.errors import (
    BadManifestError,
    NoLockfileError,
    NoManifestError,
    NoStartCommandError,
    NotInWorkspaceError,
    UnsupportedManagerError,
)
from euryale.cloud.buildplan.files import RepositoryFiles, ancestry, join, relative
from euryale.cloud.buildplan.node_version import RuntimeVersion
from euryale.cloud.buildplan.plan import BuildPlan, Command, PackageManager
from euryale.cloud.buildplan.procfile import procfile_processes, procfile_release, read_procfile
from euryale.cloud.buildplan.python_version import choose_python

ENV = (("PYTHONUNBUFFERED", "1"),)

_FOREIGN = {"poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv", "Pipfile": "pipenv"}
_VENV = ".venv"
_SOURCE_BY_PATH = re.compile(r"""\b(?:directory|path)\s*=\s*["'](?!\.["'])""")
_EDITABLE = re.compile(r"""\beditable\s*=\s*["'](?!\.["'])""")
_OPTION_BY_PATH = re.compile(r"^[ \t]*(?:-[rcef]|--(?:requirement|constraint|editable|find-links))", re.MULTILINE)
_REQUIREMENT_BY_PATH = re.compile(r"^[ \t]*(?:[./]|file:|[^#\n]*@[ \t]*(?:[./]|file:))", re.MULTILINE)
_PINNED = re.compile(r"^[ \t]*[A-Za-z0-9][^#;\n]*(?:==|@)", re.MULTILINE)
_REQUIREMENT = re.compile(r"^[ \t]*[A-Za-z0-9]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PythonProject:
    """A Python application in a repository, and how its dependencies are installed.

    Attributes:
        files: The repository.
        root: The application's directory.
        manager: Who installs.
        runtime: The version of Python.
        directory: The lockfile's directory; the virtual environment is made there.
        lockfile: The lockfile's path.
        install: The commands that install the dependencies.
        build: The commands that install the application itself, if it is a package.
        key_files: The files that decide what the install makes; none if others may, too.
        notes: What a person should know about the choices.
    """

    files: RepositoryFiles
    root: str
    manager: PackageManager
    runtime: RuntimeVersion
    directory: str
    lockfile: str
    install: tuple[Command, ...]
    build: tuple[Command, ...]
    key_files: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def venv(self) -> str:
        """The virtual environment's directory."""
        return join(self.directory, _VENV)

    @property
    def programs(self) -> str:
        """The directory of the installed programs, for ``PATH`` in a line run in ``root``."""
        return f"$PWD/{join(relative(self.directory, self.root), f'{_VENV}/bin')}"

    @property
    def python(self) -> str:
        """The interpreter, for a line run in ``root``."""
        return join(relative(self.directory, self.root), f"{_VENV}/bin/python")

    def locks(self, distribution: str) -> bool:
        """Say whether the lockfile brings a distribution."""
        name = re.escape(distribution)
        text = self.files.head(self.lockfile) or ""
        if self.manager.name == "uv":
            return re.search(rf'^name = "{name}"$', text, re.MULTILINE) is not None
        return re.search(rf"^[ \t]*{name}[ \t]*(?:$|[\[=<>~!@;#\\])", text, re.MULTILINE | re.IGNORECASE) is not None


def read_python(files: RepositoryFiles, root: str) -> PythonProject:
    """Return the Python application in the root directory, and how its dependencies are installed.

    Raises:
        BuildRefusedError: If it cannot be installed; the message says what to change.
    """
    path = join(root, "pyproject.toml")
    pyproject = toml_table(files, path)
    runtime = choose_python(files, root, pyproject)
    foreign = tuple(join(root, name) for name in _FOREIGN if files.has(join(root, name)))
    if files.has(join(root, "uv.lock")):
        if pyproject is None:
            raise NoManifestError(
                f"{join(root, 'uv.lock')} has no pyproject.toml beside it.", file=path, hint="Add it."
            )
        found = _with_uv(files, root, root, pyproject, runtime)
    elif files.has(join(root, "requirements.txt")):
        found = _with_pip(files, root, runtime)
    elif foreign:
        raise _foreign_manager(root, foreign[0])
    else:
        found = _in_uv_workspace(files, root, pyproject, runtime)
    also = (*foreign, join(root, "requirements.txt"))
    ignored = [name for name in also if files.has(name) and name != found.lockfile]
    notes = (f"{', '.join(ignored)} ignored: {found.lockfile} decides.",) if ignored else ()
    return replace(found, notes=(*notes, *found.notes))


def python_plan(files: RepositoryFiles, root: str) -> BuildPlan:
    """Return the plan of a Python application, which says in a Procfile how to start.

    Raises:
        BuildRefusedError: If it cannot be built; the message says what to change.
    """
    project = read_python(files, root)
    lines = read_procfile(files, root)
    if lines is None:
        raise NoStartCommandError(
            f"Nothing says how to start the application in {root!r}.",
            file=join(root, "Procfile"),
            hint="Add a Procfile with a line like `web: uvicorn main:app --host 127.0.0.1 --port $PORT`.",
        )
    return replace(
        base_plan(project),
        predeploy=procfile_release(lines, root, project.programs),
        processes=procfile_processes(lines, root, project.programs),
    )


def base_plan(project: PythonProject) -> BuildPlan:
    """Return the plan but for what runs, which is the preset's to say."""
    return BuildPlan(
        preset="python",
        language="python",
        runtime_version=project.runtime.version,
        runtime_source=project.runtime.source,
        package_manager=project.manager,
        root=project.root,
        install=project.install,
        build=project.build,
        package=(),
        predeploy=(),
        processes=(),
        artifact=".",
        install_key_files=project.key_files,
        install_outputs=(project.venv,),
        env=ENV,
        notes=project.notes,
        venv=project.venv,
    )


def _with_uv(
    files: RepositoryFiles, root: str, directory: str, pyproject: Mapping[str, Any], runtime: RuntimeVersion
) -> PythonProject:
    lockfile = join(directory, "uv.lock")
    sync = "uv sync --frozen --no-dev --no-editable --inexact"
    if root != directory:
        sync += f" --package {shlex.quote(_project_name(pyproject, join(root, 'pyproject.toml')))}"
    locked = files.head(lockfile) or ""
    by_path = _SOURCE_BY_PATH.search(locked) or (root == directory and _EDITABLE.search(locked))
    keys = (lockfile, *(join(place, "pyproject.toml") for place in dict.fromkeys((directory, root))))
    return PythonProject(
        files=files,
        root=root,
        manager=PackageManager("uv", None, lockfile),
        runtime=runtime,
        directory=directory,
        lockfile=lockfile,
        install=(_make_venv(runtime, directory), Command("install", f"{sync} --no-install-workspace", directory)),
        build=(Command("build", sync, directory),) if _is_package(pyproject) or root != directory else (),
        key_files=() if by_path else tuple(sorted(keys)),
        notes=runtime.notes,
    )


def _with_pip(files: RepositoryFiles, root: str, runtime: RuntimeVersion) -> PythonProject:
    lockfile = join(root, "requirements.txt")
    text = files.text(lockfile) or ""
    install = f"uv pip install --python {_VENV}/bin/python -r requirements.txt"
    by_path = _OPTION_BY_PATH.search(text) or _REQUIREMENT_BY_PATH.search(text)
    loose = len(_REQUIREMENT.findall(text)) - len(_PINNED.findall(text))
    note = f"{lockfile} leaves {loose} of its requirements unpinned: the same commit may be built differently later."
    return PythonProject(
        files=files,
        root=root,
        manager=PackageManager("pip", None, lockfile),
        runtime=runtime,
        directory=root,
        lockfile=lockfile,
        install=(_make_venv(runtime, root), Command("install", install, root)),
        build=(),
        key_files=() if loose or by_path else (lockfile,),
        notes=(*runtime.notes, note) if loose else runtime.notes,
    )


def _in_uv_workspace(
    files: RepositoryFiles, root: str, pyproject: Mapping[str, Any] | None, runtime: RuntimeVersion
) -> PythonProject:
    above = next((place for place in ancestry(root)[1:] if files.has(join(place, "uv.lock"))), None)
    if above is None or pyproject is None:
        wanted = join(root, "requirements.txt" if pyproject is None else "uv.lock")
        raise NoLockfileError(
            f"There is no lockfile, so what the application in {root!r} needs is not pinned.",
            file=wanted,
            hint=f"Commit {wanted}"
            + (
                " (`uv lock` writes it)."
                if pyproject is not None
                else " (`uv pip compile --generate-hashes` writes it)."
            ),
        )
    path = join(above, "pyproject.toml")
    top = toml_table(files, path) or {}
    if "workspace" not in table(table(top, "tool", path), "uv", path):
        raise NotInWorkspaceError(
            f"{join(above, 'uv.lock')} does not cover {root!r}: {path} has no [tool.uv.workspace].",
            file=path,
            hint=f"List {root!r} among its members, or commit a uv.lock in it.",
        )
    return _with_uv(files, root, above, pyproject, runtime)


def _make_venv(runtime: RuntimeVersion, directory: str) -> Command:
    """Make it relocatable: the artifact does not stay where it was built."""
    return Command("install", f"uv venv --clear --relocatable --python {runtime.version} {_VENV}", directory)


def _is_package(pyproject: Mapping[str, Any]) -> bool:
    """Whether uv installs the project itself, not only what it needs."""
    tool = pyproject.get("tool")
    settings = tool.get("uv") if isinstance(tool, dict) else None
    said = settings.get("package") if isinstance(settings, dict) else None
    return said if isinstance(said, bool) else "build-system" in pyproject


def _project_name(pyproject: Mapping[str, Any], path: str) -> str:
    name = string(table(pyproject, "project", path), "name", path)
    if name is None or re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", name) is None:
        raise BadManifestError(f"{path}: [project] name is {name!r}, which is no name of a package.", file=path)
    return name


def _foreign_manager(root: str, path: str) -> UnsupportedManagerError:
    manager = _FOREIGN[path.rpartition("/")[2]]
    return UnsupportedManagerError(
        f"{path} is {manager}'s, which is not supported yet; uv and pip are.",
        file=join(root, "requirements.txt"),
        hint=f"Commit {join(root, 'uv.lock')}, or export what is locked to {join(root, 'requirements.txt')}.",
    )
