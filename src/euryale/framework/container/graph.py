"""The graph of providers: put together and validated whole before anything is made."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from euryale.framework.container.errors import CycleError, DuplicateProviderError, MissingProviderError, ScopeError
from euryale.framework.container.provider import Provider, Scope
from euryale.framework.container.rendering import closest, draw_path
from euryale.framework.container.signature import name_of, needs_of, place_of

_Path = tuple[tuple[Any, str], ...]


class Graph:
    """Providers by type, in which every need is met. It is made by :meth:`of` and does not change.

    Attributes:
        providers: Each type that can be asked for, and who gives it.
        order: The types that live as long as the application, each after what it needs.
    """

    __slots__ = ("order", "providers")

    def __init__(self, providers: Mapping[Any, Provider], order: Sequence[Any]) -> None:
        self.providers = MappingProxyType(dict(providers))
        self.order = tuple(order)

    @classmethod
    def of(cls, providers: Iterable[Provider], overrides: Iterable[Provider] = ()) -> "Graph":
        """Return the graph of these providers.

        Args:
            providers: Who gives what; each type once.
            overrides: Providers that take the place of those of the same type, as in a test.

        Raises:
            DuplicateProviderError: If a type is provided twice.
            MissingProviderError: If something is needed that nobody provides.
            CycleError: If something needs itself.
            ScopeError: If what lives as long as the application needs what lives for one call.
        """
        known = _by_key(providers)
        known.update(_by_key(overrides))
        walk = _Walk(known)
        for key in known:
            walk.visit(key, ())
        return cls(known, [key for key in walk.done if known[key].scope is Scope.APP])

    def check_call(self, function: Any) -> None:
        """Check that the keyword-only parameters of a function can be filled, within a call, from this graph.

        Raises:
            MissingProviderError: If it asks for what nobody provides.
        """
        for need in needs_of(function, only_keywords=True):
            if not need.optional:
                self.check_type(need.key, asked_by=function)

    def check_type(self, key: Any, *, asked_by: Any, scope: Scope = Scope.CALL) -> None:
        """Check that a type is provided.

        Args:
            key: The type.
            asked_by: Who asks for it, for the message.
            scope: How long who asks lives. ``Scope.APP`` cannot have what lives for one call only.

        Raises:
            MissingProviderError: If it is not; the message names who asked for it.
            ScopeError: If it lives too short.
        """
        provider = self.providers.get(key)
        if provider is not None and (scope is Scope.CALL or provider.scope is Scope.APP):
            return
        path = ((asked_by, place_of(asked_by)), (key, ""))  # reads the source: only for the message
        if provider is None:
            raise _missing(key, path, self.providers)
        raise ScopeError(
            f"{name_of(asked_by)} is not part of a call,"
            f" but needs {name_of(key)}:\n\n{draw_path(path, 'lives for one call only')}",
            hint=f"Provide {name_of(key)} with Scope.APP.",
        )


def _by_key(providers: Iterable[Provider]) -> dict[Any, Provider]:
    known: dict[Any, Provider] = {}
    for provider in providers:
        if (first := known.setdefault(provider.key, provider)) is not provider:
            raise DuplicateProviderError(
                f"{name_of(provider.key)} is provided twice:\n\n    {first.place}\n    {provider.place}",
                hint="Remove one of them; in a test, pass the second one as an override.",
            )
    return known


class _Walk:
    """A depth-first walk that leaves the types in the order in which they can be made."""

    def __init__(self, known: Mapping[Any, Provider]) -> None:
        self._known = known
        self.done: dict[Any, None] = {}

    def visit(self, key: Any, path: _Path) -> None:
        if key in self.done:
            return
        provider = self._known[key]
        path = (*path, (key, provider.place))
        for need in provider.needs:
            self._follow(need.key, path, optional=need.optional)
        self.done[key] = None

    def _follow(self, key: Any, path: _Path, *, optional: bool) -> None:
        needed = self._known.get(key)
        if needed is None:
            if optional:
                return
            raise _missing(key, (*path, (key, "")), self._known)
        if key in [each for each, _ in path]:
            raise CycleError(
                f"{name_of(key)} needs itself:\n\n{draw_path((*path, (key, '')), 'here the ring closes')}",
                hint="Move what both need into a third class, or hand one of them over later, by a method.",
            )
        self._check_scope(needed, path)
        self.visit(key, path)

    def _check_scope(self, needed: Provider, path: _Path) -> None:
        asker = self._known[path[-1][0]]
        if asker.scope is Scope.APP and needed.scope is Scope.CALL:
            drawing = draw_path((*path, (needed.key, "")), "lives for one call only")
            raise ScopeError(
                f"{name_of(asker.key)} lives as long as the application,"
                f" but needs {name_of(needed.key)}, which does not:\n\n{drawing}",
                hint=f"Provide {name_of(asker.key)} with scope=Scope.CALL, or {name_of(needed.key)} with Scope.APP.",
            )


def _missing(key: Any, path: _Path, known: Mapping[Any, Provider]) -> MissingProviderError:
    similar = closest(key, known)
    advice = f"Add provide(...) or value(...) for {name_of(key)} to the application's providers."
    if similar is not None:
        advice += f" Did you mean {name_of(similar)}, which is provided?"
    return MissingProviderError(
        f"nothing provides {name_of(key)}:\n\n{draw_path(path, 'nothing provides this')}", hint=advice
    )
