"""What a class or function asks for, read from its annotations."""

import inspect
import types
import typing
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Union

from euryale.framework.container.errors import ProviderError

_UNTELLING = frozenset({str, bytes, int, float, complex, bool, object, list, dict, set, tuple, type(None), Any})
_STREAMS = frozenset({AsyncGenerator, AsyncIterable, AsyncIterator})


@dataclass(frozen=True, slots=True)
class Need:
    """One parameter that the container is to fill.

    Attributes:
        name: The parameter's name.
        key: The type that fills it.
        optional: It has a default, which stands if nobody provides the type.
    """

    name: str
    key: Any
    optional: bool


def key_of(annotation: Any) -> Any:
    """Return the type that an annotation asks for: without ``Annotated[...]`` and without ``| None``."""
    if typing.get_origin(annotation) is Annotated:
        return key_of(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {Union, types.UnionType}:
        members = [each for each in typing.get_args(annotation) if each is not type(None)]
        return key_of(members[0]) if len(members) == 1 else annotation
    return annotation


def name_of(key: Any) -> str:
    """Return how a type is called in messages: its bare name, or the whole form of a generic one."""
    if typing.get_origin(key) is None and hasattr(key, "__name__"):
        return str(key.__name__)
    return str(key).replace("typing.", "")


def place_of(source: Any) -> str:
    """Return ``module:line`` of a class or function, or its module if there is no source."""
    module = getattr(source, "__module__", "") or ""
    try:
        return f"{module}:{inspect.getsourcelines(source)[1]}"
    except (OSError, TypeError):
        return module


def is_telling(key: Any) -> bool:
    """Return whether a type says what it is for; ``str`` or ``dict[str, int]`` do not."""
    return (typing.get_origin(key) or key) not in _UNTELLING


def hints_of(function: Any) -> dict[str, Any]:
    """Return the annotations of a function or of a class's constructor.

    Raises:
        ProviderError: If one of them names what cannot be found.
    """
    target = function.__init__ if inspect.isclass(function) else _plain_function(function)
    try:
        return typing.get_type_hints(target, include_extras=True)
    except NameError as error:
        raise ProviderError(
            f"{name_of(function)} ({place_of(function)}) has an annotation that cannot be read: {error}",
            hint="Import the name at the top of that module, where it is there at run time.",
        ) from error


def needs_of(source: Any, *, only_keywords: bool = False) -> tuple[Need, ...]:
    """Return what a class's constructor or a function asks for.

    Args:
        source: The class or function.
        only_keywords: Read only the parameters that can be given by name alone.

    Raises:
        ProviderError: If a parameter has neither annotation nor default, or cannot be given by name.
    """
    hints = hints_of(source)
    found = []
    for parameter in inspect.signature(source).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        if only_keywords and parameter.kind is not parameter.KEYWORD_ONLY:
            continue
        need = _need(source, parameter, hints)
        if need is not None:
            found.append(need)
    return tuple(found)


def _need(source: Any, parameter: inspect.Parameter, hints: dict[str, Any]) -> Need | None:
    has_default = parameter.default is not parameter.empty
    key = key_of(hints.get(parameter.name, parameter.empty))
    if key is parameter.empty or not is_telling(key) or parameter.kind is parameter.POSITIONAL_ONLY:
        if has_default:
            return None
        raise ProviderError(
            f"parameter {parameter.name!r} of {name_of(source)} ({place_of(source)}) cannot be injected",
            hint="Annotate it with a class, a Protocol or a NewType that says what it is for"
            " (str and int do not), make it an ordinary parameter, or give it a default.",
        )
    return Need(parameter.name, key, has_default)


def product_of(source: Any) -> Any:
    """Return the type that a class or factory gives.

    Raises:
        ProviderError: If a factory does not say what it returns.
    """
    if inspect.isclass(source):
        return source
    returned = hints_of(source).get("return")
    if inspect.isasyncgenfunction(source) and typing.get_origin(returned) in _STREAMS:
        returned = typing.get_args(returned)[0]
    if returned is None:
        raise ProviderError(
            f"{name_of(source)} ({place_of(source)}) does not say what it provides",
            hint="Annotate its return type: -> T, or -> AsyncIterator[T] if it yields.",
        )
    return key_of(returned)


def _plain_function(source: Callable[..., Any]) -> Any:
    if inspect.isroutine(source):
        return source
    return type(source).__call__
