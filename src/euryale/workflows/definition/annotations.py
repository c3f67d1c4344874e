"""What annotations say of values that do not exist yet: their attributes and items, and what can never be one."""

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from types import FunctionType, NoneType, UnionType
from typing import Any, Final, Union

import msgspec

_PLAIN: Final[Mapping[type, tuple[type, ...]]] = {
    str: (str,),
    bytes: (bytes,),
    bool: (bool,),
    int: (int,),
    float: (float, int),
}
"""Types whose values are told from others at a glance, each with the classes of its values."""

_LIBRARIES: Final = frozenset({"builtins", "pydantic"})
_LITERALS: Final = frozenset({str, bytes, bool, int, float, NoneType, list, tuple, dict, set, frozenset})
"""Types whose values are judged; those of others, such as an ``IntEnum``, are let through."""


class Unannotated:
    """Stands for the annotation that a composer's parameter lacks: its values come as JSON has them."""


def attribute_type(owner: Any, name: str) -> Any:
    """Return the annotation of an attribute; Any if nothing says what it is.

    Args:
        owner: The annotation of what has the attribute.
        name: The attribute's.

    Raises:
        LookupError: If no value of that type has such an attribute. Its text names those that there are.
    """
    if owner is Unannotated:
        raise LookupError
    owner = _without_none(owner)
    fields = _fields(owner)
    if fields is None:
        return Any
    if name in fields:
        return _hints(owner).get(name, Any)
    if hasattr(owner, name) or _sets(owner, name):
        return Any
    raise LookupError(", ".join(fields) or "none")


def item_type(owner: Any, key: object) -> Any:
    """Return the annotation of ``value[key]``; Any if nothing says what it is."""
    owner = _without_none(owner)
    origin, arguments = typing.get_origin(owner), typing.get_args(owner)
    if origin is list and isinstance(key, int):
        return arguments[0]
    return arguments[1] if origin is dict else Any


def can_be(value: object, wanted: Any) -> bool:
    """Return whether a literal can be a value of that type, as far as that is seen at a glance."""
    if type(value) not in _LITERALS:
        return True
    if value is None:
        return _takes_none(wanted)
    return not isinstance(wanted, type) or isinstance(value, _PLAIN.get(wanted, object))


def is_record(wanted: Any) -> bool:
    """Return whether a value of that type has attributes of its own, which are told from its annotation alone."""
    return _fields(_without_none(wanted)) is not None


def name_of(wanted: Any) -> str:
    """Return a type as a person writes it."""
    if isinstance(wanted, type) and not typing.get_args(wanted):
        return wanted.__qualname__.rpartition("<locals>.")[2]
    return str(wanted)


def _takes_none(wanted: Any) -> bool:
    """Return whether None is a value of that type; also if that cannot be told."""
    if isinstance(wanted, type):
        return not dataclasses.is_dataclass(wanted) and wanted not in _LITERALS - {NoneType}
    return typing.get_origin(wanted) not in _LITERALS


def _without_none(wanted: Any) -> Any:
    """Return what else than None a value of that type is; Any if it is one of several things."""
    if typing.get_origin(wanted) not in {Union, UnionType}:
        return wanted
    others = [each for each in typing.get_args(wanted) if each is not NoneType]
    return others[0] if len(others) == 1 else Any


def _fields(owner: Any) -> tuple[str, ...] | None:
    """Return the fields of a record's class; None for any other type, and if it has attributes of its own making."""
    if not isinstance(owner, type) or typing.get_args(owner) or _makes_attributes(owner):
        return None
    if dataclasses.is_dataclass(owner):
        return tuple(field.name for field in dataclasses.fields(owner))
    if issubclass(owner, msgspec.Struct):
        return owner.__struct_fields__
    if issubclass(owner, tuple) and hasattr(owner, "_fields"):
        return tuple(owner._fields)
    return _model_fields(owner)


def _model_fields(owner: type) -> tuple[str, ...] | None:
    """Return the fields of a pydantic model, without needing pydantic."""
    fields = getattr(owner, "model_fields", None)
    if not isinstance(fields, dict) or getattr(owner, "model_config", {}).get("extra") == "allow":
        return None
    return tuple(fields)


def _makes_attributes(owner: type) -> bool:
    """Return whether a class answers attributes that it does not declare."""
    return any("__getattr__" in vars(each) or "__getattribute__" in vars(each) for each in _own_classes(owner))


def _sets(owner: type, name: str) -> bool:
    """Return whether a method of a class mentions the name: ``__post_init__`` may set what is no field."""
    methods = (each for base in _own_classes(owner) for each in vars(base).values() if isinstance(each, FunctionType))
    return any(name in each.__code__.co_names or name in each.__code__.co_consts for each in methods)


def _own_classes(owner: type) -> Iterator[type]:
    return (each for each in owner.__mro__ if each.__module__.partition(".")[0] not in _LIBRARIES)


def _hints(owner: Any) -> Mapping[str, Any]:
    """Return the annotations of a class's fields; none if they cannot be read."""
    try:
        return typing.get_type_hints(owner)
    except Exception:  # noqa: BLE001 -- names that exist only for a type checker: then nothing says what they are
        return {}
