"""Why a repository is not built. Every refusal names the file to add or to change.

BuildRefusedError
├── RootDirectoryError         the root directory escapes the repository, or is not in it
├── UnknownPresetError         no preset of that name
├── PresetMismatchError        the preset asked for does not fit what is there
├── NoManifestError            neither a Node nor a Python project
├── AmbiguousLanguageError     both a Node and a Python project
├── BadManifestError           a file that decides cannot be read
├── NoLockfileError            nothing pins the dependencies
├── ConflictingLockfilesError  several lockfiles, and nothing says which
├── LockfileMismatchError      the lockfile is not the one of the package manager
├── UnsupportedManagerError    a package manager that the platform does not run
├── UnsupportedLinkerError     an install that the artifact could not hold
├── NotInWorkspaceError        the lockfile above does not cover the root directory
├── NoRuntimeVersionError      no version of the runtime that the repository accepts
├── NoBuildScriptError         nothing builds a Medusa application
└── NoStartCommandError        nothing says how to start
"""

from typing import ClassVar

from euryale.kit.errors import EuryaleError


class BuildRefusedError(EuryaleError):
    """The repository cannot be built as it is. The message names the file to add or to change.

    Attributes:
        file: That file, relative to the repository's top.
    """

    code: ClassVar[str] = "cloud.buildplan.refused"

    def __init__(self, message: str = "", *, file: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.file = file


class RootDirectoryError(BuildRefusedError):
    """The root directory is not a directory of the repository. Set one that is, relative to the repository's top."""

    code = "cloud.buildplan.root_directory"


class UnknownPresetError(BuildRefusedError):
    """There is no preset of that name. Choose one that the message lists, or none at all."""

    code = "cloud.buildplan.unknown_preset"


class PresetMismatchError(BuildRefusedError):
    """The preset asked for does not fit the repository. Add what it needs, or choose another."""

    code = "cloud.buildplan.preset_mismatch"


class NoManifestError(BuildRefusedError):
    """There is no application in the root directory. Add what the message names, or set the right directory."""

    code = "cloud.buildplan.no_manifest"


class AmbiguousLanguageError(BuildRefusedError):
    """The root directory holds a Node and a Python project. Choose a preset to say which is meant."""

    code = "cloud.buildplan.ambiguous_language"


class BadManifestError(BuildRefusedError):
    """A file that decides how to build cannot be read. Mend it as the message says."""

    code = "cloud.buildplan.bad_manifest"


class NoLockfileError(BuildRefusedError):
    """Nothing pins the dependencies. Commit the lockfile that the message names."""

    code = "cloud.buildplan.no_lockfile"


class ConflictingLockfilesError(BuildRefusedError):
    """Several package managers left a lockfile. Keep one of them, or name the manager in ``packageManager``."""

    code = "cloud.buildplan.conflicting_lockfiles"


class LockfileMismatchError(BuildRefusedError):
    """The lockfile is not the one of the package manager that is asked for. Commit the right one."""

    code = "cloud.buildplan.lockfile_mismatch"


class UnsupportedManagerError(BuildRefusedError):
    """The platform does not run that package manager. Use one that the message lists."""

    code = "cloud.buildplan.unsupported_manager"


class UnsupportedLinkerError(BuildRefusedError):
    """The install would leave packages outside of the artifact. Set ``nodeLinker: node-modules``."""

    code = "cloud.buildplan.unsupported_linker"


class NotInWorkspaceError(BuildRefusedError):
    """The lockfile above the root directory does not cover it. Make it a workspace, or give it its own lockfile."""

    code = "cloud.buildplan.not_in_workspace"


class NoRuntimeVersionError(BuildRefusedError):
    """No version of the runtime is both supported and accepted by the repository. Widen what it accepts."""

    code = "cloud.buildplan.no_runtime_version"


class NoBuildScriptError(BuildRefusedError):
    """No script builds the Medusa application. Add ``"build": "medusa build"`` to the scripts in package.json."""

    code = "cloud.buildplan.no_build_script"


class NoStartCommandError(BuildRefusedError):
    """Nothing says how to start the application. Add what the message names."""

    code = "cloud.buildplan.no_start_command"
