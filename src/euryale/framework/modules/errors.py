"""What can be wrong with a module."""

from euryale.framework.errors import FrameworkError


class ModuleError(FrameworkError):
    """A module is declared in a way that cannot work. The message says what to change."""

    code = "framework.module"
