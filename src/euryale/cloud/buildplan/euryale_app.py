"""Applications of this framework.

One says so in ``euryale.toml``, or in ``[tool.euryale]`` of its pyproject.toml::

    app = "shop.app:app"     # the ASGI application: module and name
    migrate = true           # run the migrations once per deployment; default false
    health = "/health"       # the path that answers when it is ready; default "/health"

The application need not bring the framework: unless its lockfile names ``euryale``, the platform installs its own
(``BuildPlan.provides``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from euryale.cloud.buildplan.documents import string, table, toml_table
from euryale.cloud.buildplan.errors import BadManifestError, PresetMismatchError
from euryale.cloud.buildplan.files import RepositoryFiles, join
from euryale.cloud.buildplan.plan import BuildPlan, Command, HealthCheck, Process
from euryale.cloud.buildplan.python import base_plan, read_python

_DISTRIBUTION = "euryale"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_APP = re.compile(rf"{_NAME}(?:\.{_NAME})*:{_NAME}")
_HEALTH = re.compile(r"/[A-Za-z0-9._~/-]*")


@dataclass(frozen=True, slots=True)
class EuryaleSettings:
    """What an application of this framework says about itself.

    Attributes:
        source: The file that says it.
        app: The ASGI application, as ``module:name``.
        migrate: Whether its migrations run once per deployment.
        health: The path that answers when it is ready.
    """

    source: str
    app: str
    migrate: bool
    health: str


def read_settings(files: RepositoryFiles, root: str) -> EuryaleSettings | None:
    """Return what the application in the root directory says about itself, or None if it says nothing.

    Raises:
        BadManifestError: If it says it wrongly.
    """
    path = join(root, "euryale.toml")
    said = toml_table(files, path)
    if said is None:
        path = join(root, "pyproject.toml")
        tool = table(toml_table(files, path) or {}, "tool", path)
        if "euryale" not in tool:
            return None
        said = table(tool, "euryale", path)
    return EuryaleSettings(path, _app(said, path), _migrate(said, path), _health(said, path))


def euryale_plan(files: RepositoryFiles, root: str) -> BuildPlan:
    """Return the plan of an application of this framework.

    Raises:
        BuildRefusedError: If it is none, or cannot be built; the message says what to change.
    """
    settings = read_settings(files, root)
    if settings is None:
        path = join(root, "euryale.toml")
        raise PresetMismatchError(
            f"There is no {path}, and no [tool.euryale] in {join(root, 'pyproject.toml')}.",
            file=path,
            hint='Add it, with a line like `app = "shop.app:app"`.',
        )
    project = read_python(files, root)
    return replace(
        base_plan(project),
        preset="euryale",
        predeploy=_migration(settings, project.python, root),
        processes=(Process("web", Command("start", _serve(files, settings, project.python, root), root)),),
        health=HealthCheck(settings.health),
        provides=() if project.locks(_DISTRIBUTION) else (_DISTRIBUTION,),
    )


def _serve(files: RepositoryFiles, settings: EuryaleSettings, python: str, root: str) -> str:
    package = settings.app.partition(":")[0].partition(".")[0]
    in_source = any(files.has(join(root, f"src/{package}{end}")) for end in (".py", "/__init__.py"))
    place = " --app-dir src" if in_source else ""
    return f'exec {python} -m uvicorn {settings.app}{place} --host 127.0.0.1 --port "$PORT"'


def _migration(settings: EuryaleSettings, python: str, root: str) -> tuple[Command, ...]:
    if not settings.migrate:
        return ()
    return (Command("predeploy", f"exec {python} -m euryale.cli migrate {settings.app}", root),)


def _app(said: Mapping[str, Any], path: str) -> str:
    app = string(said, "app", path)
    if app is None or _APP.fullmatch(app) is None:
        raise BadManifestError(
            f"{path}: `app` is {app!r}, which names no application.", file=path, hint='Write it like "shop.app:app".'
        )
    return app


def _migrate(said: Mapping[str, Any], path: str) -> bool:
    migrate = said.get("migrate", False)
    if isinstance(migrate, bool):
        return migrate
    raise BadManifestError(f"{path}: `migrate` must be true or false.", file=path)


def _health(said: Mapping[str, Any], path: str) -> str:
    health = string(said, "health", path) or "/health"
    if _HEALTH.fullmatch(health) is None:
        raise BadManifestError(f"{path}: `health` is {health!r}; it must be a path like /health.", file=path)
    return health
