"""Which lockfile decides, and which package manager wrote it."""

import re
from dataclasses import dataclass
from typing import Literal

from euryale.cloud.buildplan.errors import BadManifestError, ConflictingLockfilesError, NoLockfileError
from euryale.cloud.buildplan.files import RepositoryFiles, ancestry, join
from euryale.cloud.buildplan.manifest import NodeManifest

Family = Literal["npm", "yarn", "pnpm", "bun"]

LOCKFILES: dict[str, Family] = {
    "npm-shrinkwrap.json": "npm",
    "package-lock.json": "npm",
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
_COMMITTED = {"npm": "package-lock.json", "yarn": "yarn.lock", "pnpm": "pnpm-lock.yaml", "bun": "bun.lock"}
_HEAD = 4096
_PNPM_VERSION = re.compile(r"^lockfileVersion:\s*['\"]?([0-9]{1,3}(?:\.[0-9]{1,3})?)", re.MULTILINE)
_BERRY_VERSION = re.compile(r"^__metadata:\s*\n(?:[ \t]+\S.*\n)*?[ \t]+version:\s*['\"]?([0-9]{1,3})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Locks:
    """The lockfiles that decide: those of the innermost directory that has any.

    Attributes:
        directory: Where they are; the root directory or one above it.
        paths: The lockfile by the family of managers that writes it.
    """

    directory: str
    paths: dict[Family, str]


def find_locks(files: RepositoryFiles, root: str, manifest: NodeManifest) -> Locks:
    """Return the lockfiles of the root directory, or else of the next directory above it that has any.

    Raises:
        NoLockfileError: If there is none.
    """
    for directory in ancestry(root):
        paths: dict[Family, str] = {}
        for name, family in LOCKFILES.items():
            if files.has(join(directory, name)):
                paths.setdefault(family, join(directory, name))
        if paths:
            return Locks(directory, paths)
    family = _asked_for(manifest)
    missing = join(root, _COMMITTED[family])
    raise NoLockfileError(
        f"There is no lockfile, so what {manifest.path} asks for is not pinned.",
        file=missing,
        hint=f"Run `{family} install` and commit {missing}.",
    )


def single_family(locks: Locks, manifest: NodeManifest) -> Family:
    """Return the family whose lockfile it is.

    Raises:
        ConflictingLockfilesError: If there are lockfiles of several.
    """
    if len(locks.paths) == 1:
        return next(iter(locks.paths))
    paths = sorted(locks.paths.values())
    raise ConflictingLockfilesError(
        f"There are lockfiles of several package managers: {', '.join(paths)}.",
        file=paths[0],
        hint=f'Keep one of them, or name the manager in "packageManager" in {manifest.path}.',
    )


def lockfile_name(family: Family) -> str:
    """Return the name of the lockfile that a manager of the family writes."""
    return _COMMITTED[family]


def pnpm_lock_version(files: RepositoryFiles, path: str) -> str:
    """Return the version of a pnpm-lock.yaml's format, like "9.0".

    Raises:
        BadManifestError: If it names none.
    """
    match = _PNPM_VERSION.search((files.head(path) or "")[:_HEAD])
    if match is None:
        raise BadManifestError(
            f"{path} does not say its lockfileVersion. Run `pnpm install` and commit it anew.", file=path
        )
    return match[1]


def berry_lock_version(files: RepositoryFiles, path: str) -> int | None:
    """Return the version of a yarn.lock's format if yarn 2 or later wrote it, or None if yarn 1 did."""
    match = _BERRY_VERSION.search((files.head(path) or "")[:_HEAD])
    return None if match is None else int(match[1])


def _asked_for(manifest: NodeManifest) -> Family:
    named = (manifest.package_manager or "").partition("@")[0]
    families: tuple[Family, ...] = ("pnpm", "yarn", "npm")
    for family in families:
        if named == family:
            return family
    return next((family for family in families if family in manifest.engines), "npm")
