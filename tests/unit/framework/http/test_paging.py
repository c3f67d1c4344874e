"""Pages and cursors."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from euryale.framework.http import CursorError, Page, Paging, decode_cursor, encode_cursor


@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False)), max_size=4))
def test_a_cursor_gives_back_its_position(position: list[str | int | float | bool | None]):
    assert decode_cursor(encode_cursor(*position)) == tuple(position)


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "bnVsbA", "e30", "W1tdXQ", "W1tb", "\N{SNOWMAN}"])
def test_what_is_no_cursor_is_refused(cursor: str):
    with pytest.raises(CursorError):
        decode_cursor(cursor)


@given(st.text())
def test_any_text_is_a_cursor_or_refused(cursor: str):
    with contextlib.suppress(CursorError):
        assert isinstance(decode_cursor(cursor), tuple)


def test_what_is_no_text_is_refused():
    with pytest.raises(CursorError):
        decode_cursor(encode_cursor("\ud800"))


def test_a_page_has_a_next_one_only_if_there_is_more():
    paging = Paging(limit=2)
    assert paging.fetch == 3
    full = Page[str].of([1, 2, 3], paging, item=str, key=lambda row: (row, "x"))
    assert (full.items, decode_cursor(full.next or "")) == (["1", "2"], (2, "x"))
    last = Page[str].of([1, 2], paging, item=str, key=lambda row: row)
    assert (last.items, last.next, last.limit) == (["1", "2"], None, 2)
