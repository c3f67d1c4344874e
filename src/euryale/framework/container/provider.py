"""Providers: who gives which type, and how long what they give lives."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Final, TypeVar

from typing_extensions import TypeForm

from euryale.framework.container.errors import ProviderError
from euryale.framework.container.protocols import is_protocol, lacking
from euryale.framework.container.signature import Need, is_telling, key_of, name_of, needs_of, place_of, product_of

T = TypeVar("T")


class Scope(StrEnum):
    """How long an instance lives: as long as the application, or for one call (a request, an event)."""

    APP = "app"
    CALL = "call"


class Kind(Enum):
    """How an instance comes to be."""

    VALUE = "value"
    SUPPLIED = "supplied"
    PLAIN = "plain"
    AWAITED = "awaited"
    YIELDED = "yielded"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who gives one type. Made by :func:`provide`, :func:`value` and :func:`supplied`.

    Attributes:
        key: The type it gives.
        scope: How long what it gives lives.
        kind: How it gives it.
        source: The class or factory, or the value itself.
        needs: What it asks for.
        place: Where it is written, ``module:line``.
    """

    key: Any
    scope: Scope
    kind: Kind
    source: Any
    needs: tuple[Need, ...] = ()
    place: str = ""


_ADVICE: Final = "Provide a class, a Protocol or a NewType that says what the value is for."


def provide(source: Callable[..., Any], *, as_: TypeForm[Any] | None = None, scope: Scope = Scope.APP) -> Provider:
    """Provide what a class or a factory makes.

    Args:
        source: A class, whose constructor's annotations say what it needs; or a function, a coroutine function
            or an async generator function with annotated parameters and return type. What a generator yields is
            given out; the rest of it runs when the scope ends, with the scope's error if there was one.
        as_: The type it is asked for by, such as a Protocol. Default: the class, or the return type.
        scope: ``Scope.APP`` (one instance, made at start; the default) or ``Scope.CALL`` (one for each request or
            event, made when first asked for).

    Raises:
        ProviderError: If it cannot be one.
    """
    if inspect.isgeneratorfunction(source):
        raise ProviderError(
            f"{name_of(source)} ({place_of(source)}) is a generator", hint="Write it as an async generator."
        )
    if inspect.isabstract(source) or is_protocol(source):
        raise ProviderError(
            f"{name_of(source)} is abstract: there is nothing to make",
            hint=f"Write provide(Implementation, as_={name_of(source)}).",
        )
    if inspect.isasyncgenfunction(source):
        kind = Kind.YIELDED
    else:
        kind = Kind.AWAITED if inspect.iscoroutinefunction(source) else Kind.PLAIN
    key = _checked(key_of(as_) if as_ is not None else product_of(source), source)
    return Provider(key, scope, kind, source, needs_of(source), place_of(source))


def value(instance: T, *, as_: TypeForm[T] | None = None) -> Provider:
    """Provide a value that is there already; it lives as long as the application.

    Args:
        instance: The value.
        as_: The type it is asked for by. Default: its class.

    Raises:
        ProviderError: If its type does not say what it is for, such as ``str``.
    """
    key = _checked(key_of(as_) if as_ is not None else type(instance), type(instance))
    return Provider(key, Scope.APP, Kind.VALUE, instance, (), f"value of {name_of(type(instance))}")


def supplied(key: TypeForm[Any], *, scope: Scope = Scope.CALL) -> Provider:
    """Declare a type whose instance is handed over when the scope opens, such as the request.

    Args:
        key: The type it is asked for by.
        scope: The scope at whose opening it is handed over.
    """
    return Provider(key, scope, Kind.SUPPLIED, None, (), f"supplied at the start of the {scope}")


def _checked(key: Any, source: Any) -> Any:
    if not is_telling(key):
        raise ProviderError(f"{name_of(key)} ({place_of(source)}) does not say what it is for", hint=_ADVICE)
    if inspect.isclass(source) and inspect.isclass(key):
        _check_related(source, key)
    return key


def _check_related(source: type, key: type) -> None:
    missing = lacking(source, key) if is_protocol(key) else ()
    if missing:
        raise ProviderError(
            f"{name_of(source)} ({place_of(source)}) is not a {name_of(key)}: it has no {', '.join(missing)}",
            hint="Add what it lacks, or provide it as what it is.",
        )
    if not is_protocol(key) and not issubclass(source, key):
        raise ProviderError(
            f"{name_of(source)} ({place_of(source)}) is not a {name_of(key)}", hint="Provide it as what it is."
        )
