"""Whether a class has what a Protocol promises, as far as that can be seen at run time."""

from typing import Any


def is_protocol(key: Any) -> bool:
    """Return whether a type is a Protocol itself, not a class that keeps one."""
    return bool(getattr(key, "_is_protocol", False))


def lacking(source: type, protocol: type) -> tuple[str, ...]:
    """Return the methods and properties that a Protocol promises and a class does not have."""
    promised = {
        name
        for base in protocol.__mro__
        if is_protocol(base)
        for name in vars(base)
        if not name.startswith("_") or name in {"__call__", "__iter__", "__aiter__"}
    }
    return tuple(sorted(name for name in promised if not hasattr(source, name)))
