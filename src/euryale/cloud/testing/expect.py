"""What the suites expect: as ``assert``, but also under ``python -O``, and fit for use outside of pytest."""

from collections.abc import Awaitable
from typing import TypeVar

E = TypeVar("E", bound=Exception)


def expect(condition: object, message: str) -> None:
    """Fail with ``message`` unless ``condition`` is true.

    Raises:
        AssertionError: If it is not.
    """
    if not condition:
        raise AssertionError(message)


def expect_equal(actual: object, wanted: object) -> None:
    """Fail with both unless they are equal.

    Raises:
        AssertionError: If they are not.
    """
    expect(actual == wanted, f"{actual!r} is not {wanted!r}")


async def expect_error(kind: type[E], awaitable: Awaitable[object]) -> E:
    """Return the error of that kind that awaiting raises; another kind passes through.

    Raises:
        AssertionError: If none is raised.
    """
    try:
        result = await awaitable
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised; it returned {result!r}")
