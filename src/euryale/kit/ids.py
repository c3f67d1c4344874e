"""Identifiers: sortable by creation time, safe in URLs, host names and file names."""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from euryale.kit.clock import SYSTEM_CLOCK, Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_TIME_CHARS = 10
_RANDOM_CHARS = 12
_RANDOM_BITS = 5 * _RANDOM_CHARS
_TOKEN_BYTES = 32


def _encode(value: int, length: int) -> str:
    """Write a number of so many characters, which is even."""
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(5 * length - 10, -1, -10)])


class _Sequence:
    """Makes ids of one millisecond count upwards, so that they sort in the order they were made."""

    def __init__(self, clock: Clock, draw: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._draw = draw
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._random = 0

    def next(self) -> tuple[int, int]:
        milliseconds = int(self._clock.timestamp() * 1000)
        with self._lock:
            if milliseconds > self._milliseconds:
                self._milliseconds = milliseconds
                # the top bit stays free: counting on within one millisecond cannot overflow
                self._random = int.from_bytes(self._draw(8), "big") >> (64 - _RANDOM_BITS + 1)
            else:
                self._random += 1
            return self._milliseconds, self._random


_system = _Sequence(SYSTEM_CLOCK, os.urandom)
_given: ContextVar[_Sequence | None] = ContextVar("ids", default=None)


@contextmanager
def ids_from(clock: Clock, draw: Callable[[int], bytes]) -> Iterator[None]:
    """Make ids inside of the block, and in tasks that begin there, from these sources: for tests that are repeatable.

    Args:
        clock: Whose time they hold.
        draw: Gives so many random bytes, such as ``random.Random(seed).randbytes``.
    """
    token = _given.set(_Sequence(clock, draw))
    try:
        yield
    finally:
        _given.reset(token)


def new_id(prefix: str) -> str:
    """Return a new id such as ``proj_01k9x3q7vd4m2n8p6r5s1t``.

    Args:
        prefix: What the id names: a short lower-case noun.

    Returns:
        ``prefix``, an underscore, 10 characters of time (milliseconds) and 12 random ones; ids of one
        process sort in the order in which they were made.
    """
    milliseconds, random = (_given.get() or _system).next()
    return f"{prefix}_{_encode(milliseconds, _TIME_CHARS)}{_encode(random, _RANDOM_CHARS)}"


def new_token(prefix: str) -> str:
    """Return a new secret token with 256 bits of randomness, such as ``eury_...``."""
    return f"{prefix}_{secrets.token_urlsafe(_TOKEN_BYTES)}"
