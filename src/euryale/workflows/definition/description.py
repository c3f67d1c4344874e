"""Expressions as JSON values: what a plan's fingerprint is taken of."""

from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from euryale.workflows.definition.expression import (
    Attribute,
    Choice,
    Computed,
    Constant,
    Expression,
    Item,
    Output,
    Record,
    Sequence,
    Table,
    record_fields,
)


def describe(expression: Expression) -> Any:  # noqa: PLR0911 -- one line for each kind of expression
    """Return an expression as JSON values."""
    match expression:
        case Output(node):
            return f"${node}"
        case Attribute(source, name):
            return f"{describe(source)}.{name}"
        case Item(source, key):
            return f"{describe(source)}[{key!r}]"
        case Computed(function, arguments):
            return {"function": _name(function), "arguments": [describe(each) for each in arguments]}
        case Choice(node, then, otherwise):
            return {"when": node, "then": describe(then), "otherwise": describe(otherwise)}
        case Sequence(_, items):
            return [describe(each) for each in items]
        case Table(items) | Record(_, items):
            return {str(key): describe(value) for key, value in items}
        case Constant(value):
            return _constant(value)
        case _:
            return type(expression).__name__


def _name(function: Callable[..., Any]) -> str:
    """Return a function's name, without the composer around it: an old version may be kept under another name."""
    name: str = getattr(function, "__qualname__", type(function).__qualname__)
    return name.rpartition("<locals>.")[2]


def _text(value: object) -> str | None:
    """Return a value of a type that says it all in a text as that text; None for any other, such as a secret."""
    match value:
        case Enum():
            return value.name
        case Decimal() | UUID() | date() | time() | timedelta():
            return str(value)
        case PurePath():
            return value.as_posix()
        case bytes():
            return value.hex()
        case _:
            return None


def _constant(value: object) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"constant": value}
    if (text := _text(value)) is not None:
        return {"type": type(value).__qualname__, "constant": text}
    if isinstance(value, (set, frozenset)):
        return {"set": sorted(map(_constant, value), key=repr)}
    if isinstance(value, (list, tuple)):
        return [_constant(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _constant(each) for key, each in value.items()}
    names = record_fields(value)
    if names is not None:
        return {name: _constant(getattr(value, name)) for name in names}
    return {"constant": type(value).__qualname__}
