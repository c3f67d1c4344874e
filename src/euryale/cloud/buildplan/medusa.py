"""Medusa applications.

``medusa build`` writes ``.medusa/server``, and Medusa runs from there. It does so on the packages that were installed
for the build: Node finds them in the directories above. So the whole work directory is the artifact, and nothing is
installed twice.
"""

import re
from dataclasses import replace

from euryale.cloud.buildplan.errors import NoBuildScriptError, PresetMismatchError
from euryale.cloud.buildplan.files import RepositoryFiles, join
from euryale.cloud.buildplan.manifest import NodeManifest, read_manifest
from euryale.cloud.buildplan.node import NodeProject, base_plan, elsewhere, read_project
from euryale.cloud.buildplan.plan import BuildPlan, Command, HealthCheck, Process

_PACKAGE = "@medusajs/medusa"
_CONFIGS = ("medusa-config.ts", "medusa-config.js")
_SERVER = ".medusa/server"
_BUILDS = re.compile(r"\bmedusa\s+build\b")
_MAY_DISABLE_ADMIN = re.compile(r"\bdisable\b")
_WORD = re.compile(r"[^\s;&|]+")
_START_TIMEOUT = 180.0


def is_medusa(files: RepositoryFiles, root: str) -> bool:
    """Say whether the package in the root directory is a Medusa application.

    Raises:
        BadManifestError: If its package.json cannot be read.
    """
    manifest = read_manifest(files, root)
    return manifest is not None and _PACKAGE in manifest.requires and _config(files, root) is not None


def medusa_plan(files: RepositoryFiles, root: str) -> BuildPlan:
    """Return the plan of a Medusa application.

    Raises:
        BuildRefusedError: If it is none, or cannot be built; the message says what to change.
    """
    project = read_project(files, root)
    config = _require_medusa(project)
    _require_build(project.manifest)
    server = join(root, _SERVER)
    medusa = f'export PATH="{project.programs(server)}:$PATH"; exec medusa'
    return replace(
        base_plan(project),
        preset="medusa",
        predeploy=(Command("predeploy", f"{medusa} db:migrate --execute-safe-links", server),),
        processes=(Process("web", Command("start", f"{medusa} start", server)),),
        must_exist=_must_exist(files, config, server),
        health=HealthCheck("/health", _START_TIMEOUT),
        secrets=("JWT_SECRET", "COOKIE_SECRET"),
        notes=(*project.notes, *_notes(project)),
    )


def _config(files: RepositoryFiles, root: str) -> str | None:
    return next((join(root, name) for name in _CONFIGS if files.has(join(root, name))), None)


def _require_medusa(project: NodeProject) -> str:
    if _PACKAGE not in project.manifest.requires:
        raise PresetMismatchError(
            f"{project.manifest.path} does not depend on {_PACKAGE}, so it is no Medusa application.",
            file=project.manifest.path,
            hint=f"Add the dependency, or choose another preset.{elsewhere(project.files, project.root)}",
        )
    config = _config(project.files, project.root)
    if config is None:
        path = join(project.root, _CONFIGS[0])
        raise PresetMismatchError(
            f"There is no {path}, so {project.root!r} is no Medusa application.",
            file=path,
            hint=f"Add it, or choose another preset.{elsewhere(project.files, project.root)}",
        )
    return config


def _require_build(manifest: NodeManifest) -> None:
    """Follow the scripts that the build script names, until one runs ``medusa build``."""
    seen: set[str] = set()
    ahead = ["build", "prebuild", "postbuild"] if "build" in manifest.scripts else []
    while ahead:
        name = ahead.pop()
        script = manifest.scripts.get(name)
        if name in seen or script is None:
            continue
        if _BUILDS.search(script):
            return
        seen.add(name)
        ahead += _WORD.findall(script)
    found = manifest.scripts.get("build")
    what = "no script" if found is None else f"{found!r}, which does not run `medusa build`,"
    raise NoBuildScriptError(
        f'{manifest.path} has {what} as "build".',
        file=manifest.path,
        hint='Set "build": "medusa build" in its scripts.',
    )


def _must_exist(files: RepositoryFiles, config: str, server: str) -> tuple[str, ...]:
    """The admin can be switched off in the configuration, by a variable even: then its files are not insisted on."""
    built = join(server, "medusa-config.js")
    if _MAY_DISABLE_ADMIN.search(files.text(config) or ""):
        return (built,)
    return (built, join(server, "public/admin/index.html"))


def _notes(project: NodeProject) -> tuple[str, ...]:
    path = join(project.root, "Procfile")
    notes = ["Started by `medusa start`; the package's own start script is not used."]
    if project.files.has(path):
        notes.append(f"{path} is ignored: the medusa preset decides what runs.")
    return tuple(notes)
