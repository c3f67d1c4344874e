"""Several packages that share a lockfile: who belongs to it, and who is built before whom."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from euryale.cloud.buildplan.documents import yaml_mapping
from euryale.cloud.buildplan.files import RepositoryFiles, is_vendored, join
from euryale.cloud.buildplan.manifest import NodeManifest, patterns, read_manifest
from euryale.cloud.buildplan.plan import PackageManagerName


def workspace_file(top: str, manager: PackageManagerName) -> str:
    """Return the file in which that manager looks for the members of a workspace."""
    return join(top, "pnpm-workspace.yaml" if manager == "pnpm" else "package.json")


def members(files: RepositoryFiles, top: NodeManifest, manager: PackageManagerName) -> Mapping[str, NodeManifest]:
    """Return the manifests of the packages installed together with the one at the top, by directory.

    Args:
        files: The repository.
        top: The package.json beside the lockfile.
        manager: Who installs; pnpm keeps the list in a file of its own.

    Raises:
        BadManifestError: If the list, or a member's package.json, cannot be read.
    """
    directory = PurePosixPath(top.path).parent.as_posix()
    globs = _globs(files, directory, top, manager)
    if not globs:
        return {}
    found: dict[str, NodeManifest] = {}
    for path in files.under(directory):
        member = PurePosixPath(path)
        if member.name != "package.json" or path == top.path or is_vendored(path) or path not in files.contents:
            continue
        place = member.parent.as_posix()
        inside = place if directory == "." else place.removeprefix(f"{directory}/")
        manifest = read_manifest(files, place) if selects(globs, inside) else None
        if manifest is not None:
            found[place] = manifest
    return found


def selects(globs: Iterable[str], directory: str) -> bool:
    """Say whether a list of patterns, where "!" takes out, selects a directory."""
    chosen = False
    for glob in globs:
        if matches(glob.removeprefix("!"), directory):
            chosen = not glob.startswith("!")
    return chosen


def matches(pattern: str, directory: str) -> bool:
    """Say whether a pattern names a directory; "*" stays within a name, "**" does not.

    Takes time in proportion to the product of both lengths, whatever the pattern is.
    """
    wanted = [part for part in pattern.split("/") if part not in {"", "."}]
    places = _through_stars({0}, wanted)
    for name in directory.split("/"):
        kept = {place for place in places if place < len(wanted) and wanted[place] == "**"}
        moved = {place + 1 for place in places if place < len(wanted) and fnmatchcase(name, wanted[place])}
        places = _through_stars(kept | moved, wanted)
    return len(wanted) in places


def built_before(directory: str, manifests: Mapping[str, NodeManifest]) -> tuple[str, ...]:
    """Return the members with a build script that a member depends on, each after those that it depends on itself."""
    by_name = {manifest.name: place for place, manifest in sorted(manifests.items()) if manifest.name}
    order: list[str] = []
    seen = {directory}
    stack = [(directory, iter(_needs(manifests[directory], by_name)))]
    while stack:
        place, rest = stack[-1]
        following = next(rest, None)
        if following is None:
            stack.pop()
            order.append(place)
        elif following not in seen:
            seen.add(following)
            stack.append((following, iter(_needs(manifests[following], by_name))))
    return tuple(place for place in order if place != directory and "build" in manifests[place].scripts)


def _globs(files: RepositoryFiles, directory: str, top: NodeManifest, manager: PackageManagerName) -> tuple[str, ...]:
    if manager != "pnpm":
        return top.workspaces
    path = workspace_file(directory, manager)
    listed = yaml_mapping(files, path) or {}
    return patterns(listed.get("packages"), "packages", path)


def _needs(manifest: NodeManifest, by_name: Mapping[str, str]) -> list[str]:
    return [by_name[name] for name in sorted(manifest.requires) if name in by_name]


def _through_stars(places: set[int], wanted: list[str]) -> set[int]:
    reached = set(places)
    for place in places:
        following = place
        while following < len(wanted) and wanted[following] == "**":
            following += 1
            reached.add(following)
    return reached
