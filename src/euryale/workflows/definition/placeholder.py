"""What a composer handles instead of values: it can be passed on, and asked for attributes and items."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, Final, NoReturn

from euryale.workflows.definition.annotations import Unannotated, attribute_type, item_type, name_of
from euryale.workflows.definition.checks import takes
from euryale.workflows.definition.expression import (
    Attribute,
    Constant,
    Expression,
    Item,
    Record,
    Sequence,
    Table,
    record_fields,
)
from euryale.workflows.errors import CompositionError

_HERE = str(Path(__file__).parent)


def caller_location() -> str:
    """Return ``file:line`` of the nearest caller outside of this room."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "<unknown>"


_DECIDE = "Use when(value, predicate).then(...).otherwise(...) to decide."
_COMPUTE = "Use transform(function, value, ...) to compute."
_ITERATE = (
    "Use for_each(value, step) to do something for each of it, value[0] or value.name to take a part, "
    "transform(function, value) to compute over it."
)
_COUNT = "Use for_each(transform(lambda count: list(range(count)), value), step) to repeat, transform to compute."


def _refuse(attempted: str, advice: str) -> NoReturn:
    raise CompositionError(
        f"{caller_location()}: {attempted} on a placeholder. The composer runs once, before there are values.",
        hint=advice,
    )


@dataclass(eq=False)
class Home:
    """The workflow whose composer is running: its placeholders belong there."""

    workflow: str


HOME: Final[ContextVar[Home | None]] = ContextVar("home", default=None)


class Tool:
    """What a composer works with, and which is no value that a workflow could pass on: a step, a decision, a hook.

    Attributes:
        instead: What to do instead of passing it on.
    """

    instead: ClassVar[str]


class Placeholder:
    """Stands for a value that will exist when the workflow runs.

    Attribute and item access give placeholders again; anything else raises a :class:`CompositionError` that names
    the file and the line and says what to use instead.
    """

    __slots__ = ("_expression", "_home", "_type")

    def __init__(self, expression: Expression, type: Any = Any) -> None:  # noqa: A002 -- what it is
        object.__setattr__(self, "_expression", expression)
        object.__setattr__(self, "_home", HOME.get())
        object.__setattr__(self, "_type", type)

    def __getattr__(self, name: str) -> "Placeholder":
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        expression = expression_of(self)
        owner = type_of(self)
        try:
            return Placeholder(Attribute(expression, name), attribute_type(owner, name))
        except LookupError as error:
            raise _no_attribute(owner, name, str(error)) from None

    def __getitem__(self, key: object) -> "Placeholder":
        if isinstance(key, Placeholder):
            _refuse("a placeholder as a key", _COMPUTE)
        owner = type_of(self)
        return Placeholder(Item(expression_of(self), key), item_type(owner, key))

    def __setattr__(self, name: str, value: object) -> None:
        _refuse(f"setting attribute {name!r}", "Return a new value from a step instead.")

    def __delattr__(self, name: str) -> None:
        _refuse(f"deleting attribute {name!r}", "Return a new value from a step instead.")

    def __setitem__(self, key: object, value: object) -> None:
        _refuse("setting an item", "Return a new value from a step instead.")

    def __repr__(self) -> str:
        return f"<placeholder {object.__getattribute__(self, '_expression')}>"


def type_of(placeholder: Placeholder) -> Any:
    """Return the annotation of what will be there; Any if nothing says what that is."""
    return object.__getattribute__(placeholder, "_type")


def _no_attribute(owner: Any, name: str, fields: str) -> CompositionError:
    if owner is Unannotated:
        return CompositionError(
            f"{caller_location()}: the composer's input has no annotation, so it comes as plain JSON values, without"
            f" an attribute {name!r}.",
            hint="Annotate the composer's parameter with its type.",
        )
    close = difflib.get_close_matches(name, fields.split(", "), 1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    return CompositionError(
        f"{caller_location()}: {name_of(owner)} has no attribute {name!r}.{meant}", hint=f"It has {fields}."
    )


_REFUSED = {
    "bool": ("if, while, and, or, not", _DECIDE), "eq": ("==", _DECIDE), "ne": ("!=", _DECIDE),
    "lt": ("<", _DECIDE), "le": ("<=", _DECIDE), "gt": (">", _DECIDE), "ge": (">=", _DECIDE),
    "contains": ("in", _DECIDE), "hash": ("use as a dict key or in a set", _COMPUTE), "len": ("len()", _COMPUTE),
    "iter": ("iteration or unpacking", _ITERATE), "reversed": ("reversed()", _ITERATE),
    "str": ("str() or an f-string", _COMPUTE), "format": ("an f-string or format()", _COMPUTE),
    "call": ("a call of a method", _COMPUTE), "index": ("use as an index or in range()", _COUNT),
    "int": ("int()", _COMPUTE), "float": ("float()", _COMPUTE), "complex": ("complex()", _COMPUTE),
    "neg": ("-", _COMPUTE), "pos": ("+", _COMPUTE), "invert": ("~", _COMPUTE), "abs": ("abs()", _COMPUTE),
    "round": ("round()", _COMPUTE), "divmod": ("divmod()", _COMPUTE), "rdivmod": ("divmod()", _COMPUTE),
    "trunc": ("trunc()", _COMPUTE), "floor": ("floor()", _COMPUTE), "ceil": ("ceil()", _COMPUTE),
    "bytes": ("bytes()", _COMPUTE), "delitem": ("del", _COMPUTE), "enter": ("with", "Open it in a step."),
    "exit": ("with", "Open it in a step."),
}  # fmt: skip
_ARITHMETIC = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "matmul": "@", "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
}  # fmt: skip


def _refusing(attempted: str, advice: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        _refuse(attempted, advice)

    return refuse


for _name, (_attempted, _advice) in _REFUSED.items():
    setattr(Placeholder, f"__{_name}__", _refusing(_attempted, _advice))
for _name, _symbol in _ARITHMETIC.items():
    for _prefix in ("", "r", "i"):
        setattr(Placeholder, f"__{_prefix}{_name}__", _refusing(_symbol, _COMPUTE))


def expression_of(value: object) -> Expression:
    """Return the expression for a value that a composer passes on: a placeholder, a constant, or a mix of both.

    Lists, tuples, dicts, dataclasses, msgspec structs and named tuples are looked into; any other object is a constant.

    Raises:
        CompositionError: If an object of another kind holds a placeholder, which nobody would ever fill in; if a
            placeholder belongs to another workflow; or if it is no value at all, such as a step that was not called.
    """
    if isinstance(value, Placeholder):
        return _at_home(value)
    if isinstance(value, (list, tuple)) and type(value) in {list, tuple}:
        return _collect(value, Sequence(type(value), tuple(map(expression_of, value))))
    if isinstance(value, dict) and type(value) is dict:
        return _collect(value, Table(tuple((key, expression_of(item)) for key, item in value.items())))
    check_value(value)
    names = record_fields(value)
    if names is not None:
        fields = tuple((name, expression_of(getattr(value, name))) for name in names)
        return _collect(value, Record(type(value), fields))
    if any(isinstance(part, Placeholder) for part in _parts(value)):
        _refuse(f"{type(value).__name__} keeps a placeholder inside: nothing can be done", _COMPUTE)
    return Constant(value)


def _at_home(placeholder: Placeholder) -> Expression:
    """Return what a placeholder stands for, if that is in the workflow that is being composed."""
    expression: Expression = object.__getattribute__(placeholder, "_expression")
    home: Home | None = object.__getattribute__(placeholder, "_home")
    here = HOME.get()
    if home is not None and here is not None and home is not here:
        raise CompositionError(
            f"{caller_location()}: workflow {here.workflow!r} uses {placeholder!r} of workflow {home.workflow!r}, "
            "which it will never see.",
            hint="Make it a part of the input: call the workflow with it.",
        )
    return expression


def check_value(value: object) -> None:
    """Refuse what is no value.

    Raises:
        CompositionError: If it is a tool of composers, or a coroutine that nobody would await.
    """
    if isinstance(value, Tool):
        raise CompositionError(f"{caller_location()}: {value!r} is passed on as a value.", hint=value.instead)
    if inspect.iscoroutine(value):
        value.close()
        raise CompositionError(
            f"{caller_location()}: {value.__qualname__}() is a coroutine, and nobody awaits it.",
            hint="A composer only composes: make it a step, and call that. To wait, use sleep(seconds).",
        )


def check_composing(function: object, what: str) -> None:
    """Refuse what is to compose a side or a branch, and cannot.

    Raises:
        CompositionError: If it is no function.
    """
    if isinstance(function, Placeholder) or not callable(function):
        raise CompositionError(
            f"{caller_location()}: {what} takes a function that composes, not {function!r}.",
            hint="Put a lambda around the call: lambda: create(project).",
        )
    if not takes(function, 0):
        raise CompositionError(
            f"{caller_location()}: {what} takes a function without parameters.",
            hint="It composes; what it passes on it sees from around it: lambda: create(project).",
        )


def _parts(value: object) -> Iterable[object]:
    """Return what an object of any kind visibly holds."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    if isinstance(value, Mapping):
        return value.values()
    return getattr(value, "__dict__", {}).values() if not isinstance(value, type) else ()


def _collect(value: object, expression: Sequence | Table | Record) -> Expression:
    """Keep a container without placeholders as the constant it is."""
    parts = expression.items if isinstance(expression, Sequence) else [part for _, part in _pairs(expression)]
    return Constant(value) if all(isinstance(part, Constant) for part in parts) else expression


def _pairs(expression: Table | Record) -> tuple[tuple[Any, Expression], ...]:
    return expression.items if isinstance(expression, Table) else expression.fields
