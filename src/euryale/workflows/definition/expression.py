"""Where a value will come from: small immutable trees that a plan holds and an execution evaluates."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

INPUT = ""
"""The key under which an execution's input stands among the outputs."""


class Expression(Protocol):
    """Something that has a value once the steps it depends on have theirs."""

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:
        """Return the value, given the outputs of the nodes that have run (and the input under ``INPUT``)."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known at definition time."""

    value: Any

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:  # noqa: ARG002 -- the protocol's parameter
        """Return it."""
        return self.value


@dataclass(frozen=True, slots=True)
class Output:
    """What a node returned; None when the node was not reached."""

    node: str

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:
        """Return it."""
        return outputs.get(self.node)


@dataclass(frozen=True, slots=True)
class Attribute:
    """``source.name``."""

    source: Expression
    name: str

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:
        """Return it."""
        return getattr(self.source.evaluate(outputs), self.name)


@dataclass(frozen=True, slots=True)
class Item:
    """``source[key]``."""

    source: Expression
    key: Any

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:
        """Return it."""
        return self.source.evaluate(outputs)[self.key]


@dataclass(frozen=True, slots=True)
class Computed:
    """``function(*arguments)``: a pure function, called each time the value is needed."""

    function: Callable[..., Any]
    arguments: tuple[Expression, ...]

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:
        """Return it."""
        return self.function(*[each.evaluate(outputs) for each in self.arguments])


@dataclass(frozen=True, slots=True)
class Choice:
    """The value of whichever side of a ``when`` was taken."""

    node: str
    then: Expression
    otherwise: Expression

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:
        """Return it; None when the ``when`` itself was not reached."""
        taken = outputs.get(self.node)
        if taken is None:
            return None
        return (self.then if taken else self.otherwise).evaluate(outputs)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list or tuple that has expressions in it."""

    type: type[list[Any]] | type[tuple[Any, ...]]
    items: tuple[Expression, ...]

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:
        """Return it."""
        return self.type(each.evaluate(outputs) for each in self.items)


@dataclass(frozen=True, slots=True)
class Table:
    """A dict that has expressions among its values."""

    items: tuple[tuple[Any, Expression], ...]

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:
        """Return it."""
        return {key: value.evaluate(outputs) for key, value in self.items}


@dataclass(frozen=True, slots=True)
class Record:
    """A dataclass, struct or named tuple that was made in the composer with placeholders in its fields."""

    type: type[Any]
    fields: tuple[tuple[str, Expression], ...]

    def evaluate(self, outputs: Mapping[str, Any]) -> Any:
        """Return it."""
        return self.type(**{name: value.evaluate(outputs) for name, value in self.fields})


NOTHING = Constant(None)


def sources(expression: Expression) -> frozenset[str]:
    """Return the nodes that the expression reads from (``INPUT`` for the input)."""
    match expression:
        case Output(node):
            return frozenset({node})
        case Attribute(source) | Item(source):
            return sources(source)
        case Computed(_, parts) | Sequence(_, parts):
            return frozenset().union(*map(sources, parts))
        case Choice(node, then, otherwise):
            return frozenset({node}) | sources(then) | sources(otherwise)
        case Table(items) | Record(_, items):
            return frozenset().union(*(sources(value) for _, value in items))
        case _:
            return frozenset()


def functions(expression: Expression) -> Iterator[Callable[..., Any]]:
    """Yield the functions that compute the expression, and what it is computed from."""
    match expression:
        case Computed(function, parts):
            yield function
            for part in parts:
                yield from functions(part)
        case Attribute(source) | Item(source):
            yield from functions(source)
        case Sequence(_, parts):
            for part in parts:
                yield from functions(part)
        case Choice(_, then, otherwise):
            yield from (*functions(then), *functions(otherwise))
        case Table(items) | Record(_, items):
            for _, value in items:
                yield from functions(value)
        case _:
            return


def record_fields(value: object) -> tuple[str, ...] | None:
    """Return what a dataclass, msgspec struct or named tuple is made of again; None for any other value."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value) if field.init)
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return tuple(value._fields)
    return None
