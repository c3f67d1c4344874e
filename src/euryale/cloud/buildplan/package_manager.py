"""Which Node package manager installs, in which version, from which lockfile.

``packageManager`` in package.json decides; else a yarn that lies in the repository; else the lockfile. Its version
comes from where the manager came, else from ``engines``, else from the version of the lockfile's format.
"""

import shlex
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from euryale.cloud.buildplan.documents import string, yaml_mapping
from euryale.cloud.buildplan.errors import (
    BadManifestError,
    LockfileMismatchError,
    NoRuntimeVersionError,
    UnsupportedLinkerError,
    UnsupportedManagerError,
)
from euryale.cloud.buildplan.files import RepositoryFiles, join, relative
from euryale.cloud.buildplan.lockfiles import (
    Family,
    Locks,
    berry_lock_version,
    find_locks,
    lockfile_name,
    pnpm_lock_version,
    single_family,
)
from euryale.cloud.buildplan.manifest import NodeManifest, read_manifest
from euryale.cloud.buildplan.plan import PackageManager, PackageManagerName
from euryale.cloud.buildplan.semver import NpmRange, is_exact

_SUPPORTED = "npm, yarn (1 to 4) and pnpm"
_YARN_1 = "1.22.22"
_BERRY_BY_FORMAT = {4: "2.4.2", 5: "3.1.1", 6: "3.8.7", 8: "4.13.0", 9: "4.14.1", 10: "4.18.1"}
"""The last release that writes the format: a later one would change the lockfile, which a frozen install refuses."""
_PNPM_BY_FORMAT = {
    "5.3": ("6.35.1",),
    "5.4": ("7.33.7",),
    "6.0": ("8.15.9",),
    "6.1": ("8.15.9",),
    "9.0": ("9.15.9", "10.34.8", "11.28.11"),
}
_INSTALL: dict[PackageManagerName, str] = {
    "npm": "ci --include=dev --no-audit --no-fund",
    "yarn1": "install --frozen-lockfile --production=false --non-interactive",
    "yarn-berry": "install --immutable",
    "pnpm": "install --frozen-lockfile --prod=false",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """How the packages get installed.

    Attributes:
        manager: Who installs.
        program: Its name on ``PATH``.
        directory: Where it is called: the lockfile's directory.
        lockfile: The lockfile's path.
        manifest: The package.json beside the lockfile.
        notes: What a person should know about the choice.
        vendored: The manager's own file, relative to ``directory``, run instead of ``program``; or None.
    """

    manager: PackageManager
    program: str
    directory: str
    lockfile: str
    manifest: NodeManifest
    notes: tuple[str, ...] = ()
    vendored: str | None = None

    @property
    def line(self) -> str:
        """The shell line that installs exactly what the lockfile says, and fails if it does not fit package.json."""
        return f"CI=true {self._call(self.directory)} {_INSTALL[self.manager.name]}"

    def run(self, script: str, directory: str) -> str:
        """Return the shell line that runs a script of a directory's package.json, from that directory."""
        return f"{self._call(directory)} run {shlex.quote(script)}"

    def _call(self, directory: str) -> str:
        if self.vendored is None:
            return self.program
        path = join(relative(self.directory, directory), self.vendored)
        return f"node {shlex.quote(f'./{path}' if path.startswith('-') else path)}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """The manager that was asked for by name."""

    family: Family
    version: str
    source: str


def choose_manager(files: RepositoryFiles, root: str, manifest: NodeManifest) -> Installation:
    """Decide who installs the dependencies of the package in the root directory.

    Raises:
        BuildRefusedError: If there is no lockfile, or it and ``packageManager`` do not make one supported manager.
    """
    locks = find_locks(files, root, manifest)
    top = manifest if locks.directory == root else read_manifest(files, locks.directory)
    if top is None:
        path = join(locks.directory, "package.json")
        raise LockfileMismatchError(f"{min(locks.paths.values())} has no {path} beside it.", file=path, hint="Add it.")
    asked = _asked(top) or _asked(manifest)
    vendored = _vendored_yarn(files, locks.directory)
    if asked is not None:
        family = asked.family
        _require_lock(locks, asked)
    else:
        family = "yarn" if vendored and "yarn" in locks.paths else single_family(locks, top)
    installation = _of_family(files, locks, top, family, asked)
    if installation.manager.name == "yarn-berry":
        installation = _berry(files, installation, vendored)
    return installation


def _of_family(
    files: RepositoryFiles, locks: Locks, top: NodeManifest, family: Family, asked: _Asked | None
) -> Installation:
    lockfile = locks.paths[family]
    if family == "yarn":
        manager = _yarn(files, lockfile, asked)
    elif family == "pnpm":
        manager = _pnpm(files, lockfile, top, asked)
    elif family == "npm":
        manager = PackageManager("npm", asked.version, asked.source) if asked else PackageManager("npm", None, lockfile)
    else:
        raise UnsupportedManagerError(
            f"{lockfile} is bun's, which is not supported; {_SUPPORTED} are.",
            file=lockfile,
            hint=f"Install with one of these, and commit its lockfile instead of {lockfile}.",
        )
    ignored = sorted(path for other, path in locks.paths.items() if other != family)
    notes = (f"{', '.join(ignored)} ignored: {manager.source} decides.",) if ignored else ()
    return Installation(manager, family, locks.directory, lockfile, top, notes)


def _asked(manifest: NodeManifest) -> _Asked | None:
    if manifest.package_manager is None:
        return None
    source = f"{manifest.path} packageManager"
    name, _, rest = manifest.package_manager.partition("@")
    version = rest.partition("+")[0]
    families: dict[str, Family] = {"npm": "npm", "yarn": "yarn", "pnpm": "pnpm"}
    if name not in families:
        raise UnsupportedManagerError(
            f"{source} names {name!r}, which is not supported; {_SUPPORTED} are.",
            file=manifest.path,
            hint="Name one of these, and commit its lockfile.",
        )
    if not is_exact(version):
        raise UnsupportedManagerError(
            f"{source} is {manifest.package_manager!r}, which is no exact version.",
            file=manifest.path,
            hint='Write it like "pnpm@10.11.1".',
        )
    return _Asked(families[name], version, source)


def _require_lock(locks: Locks, asked: _Asked) -> None:
    if asked.family in locks.paths:
        return
    found = ", ".join(sorted(locks.paths.values()))
    missing = join(locks.directory, lockfile_name(asked.family))
    raise LockfileMismatchError(
        f"{asked.source} says {asked.family}, but there is only {found}.",
        file=missing,
        hint=f"Run `{asked.family} install` and commit {missing}, or change packageManager.",
    )


def _yarn(files: RepositoryFiles, lockfile: str, asked: _Asked | None) -> PackageManager:
    lock_format = berry_lock_version(files, lockfile)
    wrote: PackageManagerName = "yarn1" if lock_format is None else "yarn-berry"
    if asked is None:
        return PackageManager(wrote, _YARN_1 if lock_format is None else _BERRY_BY_FORMAT.get(lock_format), lockfile)
    name: PackageManagerName = "yarn1" if asked.version.startswith(("0.", "1.")) else "yarn-berry"
    if name != wrote:
        written = "yarn 1" if wrote == "yarn1" else "yarn 2 or later"
        raise LockfileMismatchError(
            f"{asked.source} says yarn {asked.version}, but {lockfile} was written by {written}.",
            file=lockfile,
            hint=f"Run `yarn install` with yarn {asked.version} and commit {lockfile}.",
        )
    return PackageManager(name, asked.version, asked.source)


def _pnpm(files: RepositoryFiles, lockfile: str, top: NodeManifest, asked: _Asked | None) -> PackageManager:
    if asked is not None:
        return PackageManager("pnpm", asked.version, asked.source)
    lock_format = pnpm_lock_version(files, lockfile)
    candidates = _PNPM_BY_FORMAT.get(lock_format)
    if candidates is None:
        raise UnsupportedManagerError(
            f"{lockfile} has lockfileVersion {lock_format}, which no known pnpm writes.",
            file=lockfile,
            hint=f'Name the version in "packageManager" in {top.path}.',
        )
    accepted = top.engines.get("pnpm")
    if accepted is None:
        return PackageManager("pnpm", candidates[0], f"{lockfile} lockfileVersion {lock_format}")
    source = f"{top.path} engines.pnpm"
    if is_exact(accepted):
        return PackageManager("pnpm", accepted, source)
    wanted = _range(accepted, source, top.path)
    chosen = next((version for version in candidates if wanted.admits(version)), None)
    if chosen is None:
        raise NoRuntimeVersionError(
            f"{source} is {accepted!r}, but {lockfile} (lockfileVersion {lock_format}) is for pnpm "
            f"{' or '.join(version.partition('.')[0] for version in candidates)}.",
            file=top.path,
            hint='Name the exact version in "packageManager".',
        )
    return PackageManager("pnpm", chosen, source)


def _range(text: str, source: str, path: str) -> NpmRange:
    try:
        return NpmRange.parse(text)
    except ValueError as error:
        raise BadManifestError(f"{source} is {text!r}, which is no range of versions.", file=path) from error


def _vendored_yarn(files: RepositoryFiles, directory: str) -> str | None:
    path = join(directory, ".yarnrc.yml")
    settings = yaml_mapping(files, path)
    written = None if settings is None else string(settings, "yarnPath", path)
    if written is None:
        return None
    inside = PurePosixPath(written)
    if inside.is_absolute() or ".." in inside.parts or not files.has(join(directory, written)):
        raise BadManifestError(
            f"{path}: yarnPath is {written!r}, which is no file of the repository.",
            file=path,
            hint="Commit that file, or remove yarnPath.",
        )
    return inside.as_posix()


def _berry(files: RepositoryFiles, found: Installation, vendored: str | None) -> Installation:
    path = join(found.directory, ".yarnrc.yml")
    settings = yaml_mapping(files, path) or {}
    linker = string(settings, "nodeLinker", path) or "pnp"
    if linker not in {"node-modules", "pnpm"}:
        raise UnsupportedLinkerError(
            f"Yarn's {linker!r} linker leaves the packages outside of the application.",
            file=path,
            hint=f'Set "nodeLinker: node-modules" in {path}, run `yarn install` and commit yarn.lock.',
        )
    if vendored is None and found.manager.version is None:
        raise UnsupportedManagerError(
            f"{found.lockfile} is of a format that no known yarn writes.",
            file=found.lockfile,
            hint=f'Name the version in "packageManager" in {found.manifest.path}.',
        )
    if vendored is None:
        return found
    manager = PackageManager("yarn-berry", None, f"{path} yarnPath")
    return replace(found, manager=manager, vendored=vendored)
