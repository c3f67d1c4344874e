"""The container at run time: instances by type, for the application and for one call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar, cast

from typing_extensions import TypeForm

from euryale.framework.container.errors import NotResolvableError
from euryale.framework.container.graph import Graph
from euryale.framework.container.provider import Kind, Provider, Scope, supplied
from euryale.framework.container.signature import key_of, name_of, needs_of

T = TypeVar("T")
_NOTHING: Mapping[Any, Any] = {}


class Container:
    """Holds one instance of each type that lives as long as the application.

    It is opened over a validated graph, makes everything in order, and does not change afterwards. It provides
    itself, so whoever must look things up late can ask for ``Container``; everybody else should ask for what
    they need.

    Example:
        >>> graph = plan_container([provide(Greeter), value(Settings())])
        >>> async with Container.open(graph) as container:
        ...     container.resolve(Greeter).greet()
    """

    def __init__(self, graph: Graph, instances: dict[Any, Any]) -> None:
        self._graph = graph
        self._instances = instances

    @classmethod
    @asynccontextmanager
    async def open(cls, graph: Graph, handed: Mapping[Any, Any] = _NOTHING) -> AsyncIterator["Container"]:
        """Make everything that lives as long as the application; close it again, in reverse, at the end.

        Args:
            graph: What is provided; made by :func:`plan_container`.
            handed: The instances of the types that are declared as supplied with ``Scope.APP``.

        Raises:
            NotResolvableError: If a supplied type was not handed over.
        """
        instances: dict[Any, Any] = {}
        container = cls(graph, instances)
        async with AsyncExitStack() as closing:
            for key in graph.order:
                provider = graph.providers[key]
                if key is Container:
                    instances[key] = container
                elif provider.kind is Kind.SUPPLIED:
                    instances[key] = _handed_over(provider, handed)
                else:
                    instances[key] = await _make(provider, _ready(provider, instances), closing)
            yield container

    def resolve(self, wanted: TypeForm[T]) -> T:
        """Return the application's instance of a type.

        Raises:
            NotResolvableError: If nobody provides it, or if it lives for one call only.
        """
        key = key_of(wanted)
        try:
            return cast("T", self._instances[key])
        except KeyError:
            raise _not_resolvable(key, self._graph) from None

    def __contains__(self, key: object) -> bool:
        return key in self._graph.providers

    @asynccontextmanager
    async def call(self, handed: Mapping[Any, Any] = _NOTHING) -> AsyncIterator["Call"]:
        """Open the scope of one call: a request, an event. What was made in it is closed at its end, in reverse.

        Args:
            handed: The instances of the types that are declared as supplied with ``Scope.CALL``.
        """
        async with AsyncExitStack() as closing:
            yield Call(self._graph, self._instances, handed, closing)


class Call:
    """The scope of one call. What lives for a call is made when it is first asked for."""

    def __init__(
        self, graph: Graph, outer: Mapping[Any, Any], handed: Mapping[Any, Any], closing: AsyncExitStack
    ) -> None:
        self._graph = graph
        self._outer = outer
        self._handed = handed
        self._closing = closing
        self._instances: dict[Any, Any] = {}
        self._lock = asyncio.Lock()

    async def get(self, wanted: TypeForm[T]) -> T:
        """Return this call's, or the application's, instance of a type.

        Raises:
            NotResolvableError: If nobody provides it.
        """
        async with self._lock:
            return cast("T", await self._get(key_of(wanted)))

    async def invoke(self, function: Callable[..., Awaitable[T]], /, *args: Any) -> T:
        """Call a coroutine function with ``args``, and with its keyword-only parameters filled by their types.

        Raises:
            NotResolvableError: If it asks for what nobody provides.
        """
        filled = {}
        for need in needs_of(function, only_keywords=True):
            if not (need.optional and need.key not in self._graph.providers):
                filled[need.name] = await self.get(need.key)
        return await function(*args, **filled)

    async def _get(self, key: Any) -> Any:
        for instances in (self._instances, self._outer):
            if key in instances:
                return instances[key]
        provider = self._graph.providers.get(key)
        if provider is None or provider.scope is Scope.APP:
            raise _not_resolvable(key, self._graph)
        if provider.kind is Kind.SUPPLIED:
            instance = _handed_over(provider, self._handed)
        else:
            arguments = {
                need.name: await self._get(need.key) for need in provider.needs if need.key in self._graph.providers
            }
            instance = await _make(provider, arguments, self._closing)
        self._instances[key] = instance
        return instance


def plan_container(providers: Iterable[Provider], overrides: Iterable[Provider] = ()) -> Graph:
    """Return the validated graph of these providers and of the container itself.

    Args:
        providers: Who gives what; each type once.
        overrides: Providers that take the place of those of the same type, as in a test.

    Raises:
        ContainerError: If something is missing, twice there, needs itself or lives too short. The message draws it.
    """
    return Graph.of((*providers, supplied(Container, scope=Scope.APP)), overrides)


def _ready(provider: Provider, instances: Mapping[Any, Any]) -> dict[str, Any]:
    return {need.name: instances[need.key] for need in provider.needs if need.key in instances}


async def _make(provider: Provider, arguments: dict[str, Any], closing: AsyncExitStack) -> Any:
    match provider.kind:
        case Kind.VALUE:
            return provider.source
        case Kind.AWAITED:
            return await provider.source(**arguments)
        case Kind.YIELDED:
            return await closing.enter_async_context(asynccontextmanager(provider.source)(**arguments))
        case _:
            return provider.source(**arguments)


def _handed_over(provider: Provider, handed: Mapping[Any, Any]) -> Any:
    try:
        return handed[provider.key]
    except KeyError:
        raise NotResolvableError(
            f"{name_of(provider.key)} was not handed over when the scope of the {provider.scope} was opened"
        ) from None


def _not_resolvable(key: Any, graph: Graph) -> NotResolvableError:
    provider = graph.providers.get(key)
    if provider is None:
        return NotResolvableError(f"nothing provides {name_of(key)}", hint="Add a provider for it to the application.")
    if provider.scope is Scope.CALL:
        return NotResolvableError(
            f"{name_of(key)} lives for one call only", hint="Ask for it within a request or a subscriber."
        )
    return NotResolvableError(
        f"{name_of(key)} is not made yet",
        hint="Do not look it up while the application is being put together: ask for it as a parameter.",
    )
