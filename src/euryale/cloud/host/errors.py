"""What can be wrong with the machine."""

from euryale.kit.errors import EuryaleError


class HostError(EuryaleError):
    """The machine lacks something that the platform needs. The message names it and how to get it."""

    code = "cloud.host"


class DirectoryInUseError(HostError):
    """A platform runs over the directory already. Use that one, end it, or choose another directory."""

    code = "cloud.host.directory_in_use"


class NoFreePortError(HostError):
    """Every port of the range is taken. Stop something that listens there, or widen the range."""

    code = "cloud.host.no_free_port"


class ToolchainUnsupportedError(HostError):
    """The version of a runtime or package manager cannot be had here. The message says which ones can."""

    code = "cloud.host.toolchain_unsupported"


class ToolchainInstallError(HostError):
    """A runtime or package manager could not be installed. The message shows why; it is tried again by itself."""

    code = "cloud.host.toolchain_install"
