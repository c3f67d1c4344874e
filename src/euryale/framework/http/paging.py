"""Lists in pages: a limit, an opaque cursor, and the page that comes back."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from euryale.framework.http.errors import CursorError

T = TypeVar("T")
R = TypeVar("R")
Position = str | int | float | bool | None

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_MAX_CURSOR: Final = 1024


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(default=None, description="the cursor of the next page; null on the last one")
    limit: int = Field(description="how many items a page holds at most")

    @classmethod
    def of(
        cls,
        rows: Sequence[R],
        paging: "Paging",
        *,
        item: Callable[[R], T],
        key: Callable[[R], "Position | tuple[Position, ...]"],
    ) -> "Page[T]":
        """Return the page of these rows.

        Args:
            rows: What was found with ``LIMIT paging.fetch``: one more than a page holds, if there is one.
            paging: What was asked for.
            item: Makes a row into what is answered.
            key: Gives what the rows are sorted by: a value, or a tuple of them. A moment travels as its ``isoformat``
                or ``timestamp``.
        """
        shown = rows[: paging.limit]
        following = None
        if len(rows) > paging.limit:
            last = key(shown[-1])
            following = encode_cursor(*last) if isinstance(last, tuple) else encode_cursor(last)
        return cls(items=[item(row) for row in shown], next=following, limit=paging.limit)


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is asked for.

    Attributes:
        limit: How many items it holds at most.
        after: What the last item of the page before is sorted by; empty for the first page. It comes from the
            caller, so its values may be of any number and type: ``match`` it, and raise ``CursorError`` otherwise.
    """

    limit: int = DEFAULT_LIMIT
    after: tuple[Position, ...] = ()

    @property
    def fetch(self) -> int:
        """How many rows to look for: one more, which tells whether a next page exists."""
        return self.limit + 1


def encode_cursor(*position: Position) -> str:
    """Return the opaque text for a position in a list."""
    packed = json.dumps(position, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[Position, ...]:
    """Return the position that a cursor stands for.

    Args:
        cursor: What :func:`encode_cursor` returned.

    Raises:
        CursorError: If it is not such a cursor.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        json.dumps(position, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (binascii.Error, ValueError, RecursionError) as error:
        raise CursorError from error
    if not isinstance(position, list) or not all(isinstance(each, Position) for each in position):
        raise CursorError
    return tuple(position)


def _read_paging(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="how many items a page holds at most")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=_MAX_CURSOR, description="next, from the page before")] = None,
) -> Paging:
    return Paging(limit, decode_cursor(cursor) if cursor else ())


PagingQuery = Annotated[Paging, Depends(_read_paging)]
"""The type of an endpoint's parameter that reads ``?limit=`` and ``?cursor=``."""
