"""Pictures of a path through the graph, for error messages."""

import difflib
import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from euryale.framework.container.protocols import is_protocol, lacking
from euryale.framework.container.signature import name_of


def draw_path(path: Sequence[tuple[Any, str]], mark: str) -> str:
    """Draw a chain of types, one under the other, each with where it is made; the last one is marked.

    Args:
        path: Pairs of a type and where its provider is written.
        mark: What is said of the last one.
    """
    names = [("    " * (depth - 1) + "└─> " if depth else "") + name_of(key) for depth, (key, _) in enumerate(path)]
    width = max(map(len, names)) + 3
    places = [place for _, place in path[:-1]] + [f"<-- {mark}"]
    return "\n".join(f"    {name:<{width}}{place}".rstrip() for name, place in zip(names, places, strict=True))


def closest(missing: Any, known: Iterable[Any]) -> Any | None:
    """Return the known type that was probably meant: one that can stand for ``missing``, or one of a similar name."""
    candidates = list(known)
    for each in candidates:
        if inspect.isclass(missing) and inspect.isclass(each) and _can_stand_for(each, missing):
            return each
    names = {name_of(each): each for each in candidates}
    similar = difflib.get_close_matches(name_of(missing), names, n=1, cutoff=0.7)
    return names[similar[0]] if similar else None


def _can_stand_for(each: type, missing: type) -> bool:
    if is_protocol(each):
        return False
    if is_protocol(missing):
        return not lacking(each, missing)
    return issubclass(each, missing) or issubclass(missing, each)
