"""What the suites of backends and stores expect: as ``assert``, but also under ``python -O``, and with both values."""

from typing import Any


def expect(actual: Any, wanted: Any) -> None:
    """Raise unless both are equal.

    Raises:
        AssertionError: If they are not.
    """
    if actual != wanted:
        raise AssertionError(f"{actual!r}\nis not\n{wanted!r}")
