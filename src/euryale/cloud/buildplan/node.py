"""Applications for Node: what all of them share, and the plan of those without a preset of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from euryale.cloud.buildplan.errors import (
    ConflictingLockfilesError,
    NoManifestError,
    NoStartCommandError,
    NotInWorkspaceError,
)
from euryale.cloud.buildplan.files import RepositoryFiles, ancestry, is_vendored, join, relative
from euryale.cloud.buildplan.lockfiles import LOCKFILES
from euryale.cloud.buildplan.manifest import NodeManifest, read_manifest
from euryale.cloud.buildplan.node_version import RuntimeVersion, choose_node
from euryale.cloud.buildplan.package_manager import Installation, choose_manager
from euryale.cloud.buildplan.plan import BuildPlan, Command, Process
from euryale.cloud.buildplan.procfile import in_path, is_single, procfile_processes, procfile_release, read_procfile
from euryale.cloud.buildplan.workspace import built_before, members, workspace_file

_KEY_NAMES = ("package.json", ".npmrc")
_TOP_KEY_NAMES = (".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", ".pnpmfile.mjs", "pnpm-workspace.yaml")
_TOP_KEY_DIRECTORIES = (".yarn/patches", ".yarn/plugins", ".yarn/releases", "patches")
ENV = (("NODE_ENV", "production"),)


@dataclass(frozen=True, slots=True)
class NodeProject:
    """A package in a repository, and how its dependencies are installed.

    Attributes:
        files: The repository.
        root: The package's directory.
        manifest: Its package.json.
        installation: How the dependencies are installed.
        runtime: The version of Node.
        packages: All packages installed together, the root directory's included, by directory.
    """

    files: RepositoryFiles
    root: str
    manifest: NodeManifest
    installation: Installation
    runtime: RuntimeVersion
    packages: Mapping[str, NodeManifest]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the choices."""
        return (*self.installation.notes, *self.runtime.notes)

    def install(self) -> tuple[Command, ...]:
        """Return the commands that install, with the hook ``cloud:preinstall`` before."""
        hook = (Command("install", "npm run cloud:preinstall", self.root),) if self._has("cloud:preinstall") else ()
        return (*hook, Command("install", self.installation.line, self.installation.directory))

    def build(self) -> tuple[Command, ...]:
        """Return the commands that build the package: what it depends on in the workspace, the hook, then itself."""
        earlier = tuple(self._build_command("build", place) for place in built_before(self.root, self.packages))
        own = tuple(self._build_command(name, self.root) for name in ("cloud:prebuild", "build") if self._has(name))
        return (*earlier, *own)

    def programs(self, directory: str) -> str:
        """Return the directories of the installed programs, for ``PATH`` in a line run in ``directory``."""
        homes = dict.fromkeys((self.root, self.installation.directory))
        return ":".join(f"$PWD/{join(relative(home, directory), 'node_modules/.bin')}" for home in homes)

    def install_key_files(self) -> tuple[str, ...]:
        """Return the files that decide what the install makes; none if others may, too."""
        manifests = (self.installation.manifest, *self.packages.values())
        if self._has("cloud:preinstall") or any(manifest.installs_by_script for manifest in manifests):
            return ()
        top = self.installation.directory
        places = dict.fromkeys((top, *self.packages))
        named = {join(place, name) for place in places for name in _KEY_NAMES}
        named |= {join(top, name) for name in (*_TOP_KEY_NAMES, *LOCKFILES)}
        kept = {path for folder in _TOP_KEY_DIRECTORIES for path in self.files.under(join(top, folder))}
        return tuple(sorted(kept | {path for path in named if self.files.has(path)}))

    def install_outputs(self) -> tuple[str, ...]:
        """Return what the install makes."""
        top = self.installation.directory
        made = [join(place, "node_modules") for place in dict.fromkeys((top, *self.packages))]
        if self.installation.manager.name == "yarn-berry":
            made.append(join(top, ".yarn/install-state.gz"))
        return tuple(sorted(made))

    def _has(self, script: str) -> bool:
        return script in self.manifest.scripts

    def _build_command(self, script: str, directory: str) -> Command:
        return Command("build", self.installation.run(script, directory), directory)


def read_project(files: RepositoryFiles, root: str) -> NodeProject:
    """Return the package in the root directory, and how its dependencies are installed.

    Raises:
        BuildRefusedError: If it cannot be installed; the message says what to change.
    """
    manifest = read_manifest(files, root)
    if manifest is None:
        raise NoManifestError(f"There is no {join(root, 'package.json')}.", file=join(root, "package.json"))
    installation = choose_manager(files, root, manifest)
    _refuse_own_lock_in_workspace(files, root, installation)
    found = members(files, installation.manifest, installation.manager.name)
    if root not in found and installation.directory != root:
        raise _not_a_member(root, installation)
    return NodeProject(
        files=files,
        root=root,
        manifest=manifest,
        installation=installation,
        runtime=choose_node(
            files, (manifest, installation.manifest), tuple(dict.fromkeys((root, installation.directory)))
        ),
        packages={**found, root: manifest},
    )


def node_plan(files: RepositoryFiles, root: str) -> BuildPlan:
    """Return the plan of an application that says itself how to build and to start.

    Raises:
        BuildRefusedError: If it cannot be built; the message says what to change.
    """
    project = read_project(files, root)
    lines = read_procfile(files, root)
    programs = project.programs(root)
    return replace(
        base_plan(project),
        predeploy=procfile_release(lines, root, programs) if lines else (),
        processes=procfile_processes(lines, root, programs) if lines else (_start_script(project),),
    )


def base_plan(project: NodeProject) -> BuildPlan:
    """Return the plan but for what runs, which is the preset's to say."""
    return BuildPlan(
        preset="node",
        language="node",
        runtime_version=project.runtime.version,
        runtime_source=project.runtime.source,
        package_manager=project.installation.manager,
        root=project.root,
        install=project.install(),
        build=project.build(),
        package=(),
        predeploy=(),
        processes=(),
        artifact=".",
        install_key_files=project.install_key_files(),
        install_outputs=project.install_outputs(),
        env=ENV,
        notes=project.notes,
    )


def _start_script(project: NodeProject) -> Process:
    """Run the start script without a package manager in between, for signals to reach the server.

    Where the script needs one (hooks around it, several commands, npm's variables) it is npm, whoever installed: it
    comes with every Node, so the runtime needs nothing else.
    """
    scripts = project.manifest.scripts
    if "start" in scripts:
        script = scripts["start"].strip()
        alone = is_single(script) and not {"prestart", "poststart"} & scripts.keys() and "npm_" not in script
        line = in_path(project.programs(project.root), script) if alone else "exec npm run start"
        return Process("web", Command("start", line, project.root))
    raise NoStartCommandError(
        f"Nothing says how to start the application in {project.root!r}.",
        file=project.manifest.path,
        hint=f'Add a "start" script to {project.manifest.path}, or a Procfile with a `web` line.'
        + elsewhere(project.files, project.root),
    )


def elsewhere(files: RepositoryFiles, root: str) -> str:
    """Return a sentence about a Medusa application in another directory, or nothing."""
    names = {"medusa-config.ts", "medusa-config.js"}
    for path in files.under("."):
        directory, _, name = path.rpartition("/")
        if name in names and directory != root and not is_vendored(path):
            return f" There is a Medusa application in {directory or '.'!r}: is that the root directory?"
    return ""


def _refuse_own_lock_in_workspace(files: RepositoryFiles, root: str, installation: Installation) -> None:
    """A manager called in a member's directory uses the workspace's lockfile; the member's own would be ignored."""
    if installation.directory != root:
        return
    for above in ancestry(root)[1:]:
        top = read_manifest(files, above)
        lockfile = next((join(above, name) for name in LOCKFILES if files.has(join(above, name))), None)
        if top is None or lockfile is None:
            continue
        if root in members(files, top, "npm") or root in members(files, top, "pnpm"):
            raise ConflictingLockfilesError(
                f"{root!r} is in the workspace of {lockfile} and has {installation.lockfile} of its own.",
                file=installation.lockfile,
                hint=f"Remove {installation.lockfile}, or take {root!r} out of the workspace.",
            )


def _not_a_member(root: str, installation: Installation) -> NotInWorkspaceError:
    path = workspace_file(installation.directory, installation.manager.name)
    return NotInWorkspaceError(
        f"{installation.lockfile} does not cover {root!r}, which is in no workspace of {path}.",
        file=path,
        hint=f"List {root!r} there, or commit a lockfile in it.",
    )
