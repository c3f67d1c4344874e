"""What can be wrong with a container.

ContainerError
├── ProviderError            something cannot be a provider
├── DuplicateProviderError   two providers give the same type
├── MissingProviderError     something is needed that nobody provides
├── CycleError               something needs itself, by way of others
├── ScopeError               what lives as long as the application needs what lives for one call
└── NotResolvableError       a type was asked for, at run time, that this container does not hold
"""

from euryale.framework.errors import FrameworkError


class ContainerError(FrameworkError):
    """The container cannot be built or used like this. The message draws what is wrong."""

    code = "framework.container"


class ProviderError(ContainerError):
    """This cannot be a provider. Annotate its parameters and what it returns."""

    code = "framework.container.provider"


class DuplicateProviderError(ContainerError):
    """Two providers give the same type. Remove one; in a test, pass the second as an override."""

    code = "framework.container.duplicate"


class MissingProviderError(ContainerError):
    """Something is needed that nobody provides. Add a provider of that type to the application."""

    code = "framework.container.missing"


class CycleError(ContainerError):
    """Something needs itself, by way of others. Take out of one of them what the other needs."""

    code = "framework.container.cycle"


class ScopeError(ContainerError):
    """What lives as long as the application needs what lives for one call. Give it the scope of the call, too."""

    code = "framework.container.scope"


class NotResolvableError(ContainerError, LookupError):
    """The container does not hold that type. Add a provider for it, or ask within a call if it lives for a call."""

    code = "framework.container.not_resolvable"
