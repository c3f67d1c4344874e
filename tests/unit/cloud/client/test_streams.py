"""The format of server-sent events."""

from collections.abc import AsyncIterator

import pytest

from euryale.cloud.client.answers import is_loopback
from euryale.cloud.client.streams import Received, read_events


async def lines(text: str) -> AsyncIterator[str]:
    for line in text.split("\n"):
        yield line


async def read(text: str) -> list[Received]:
    return [event async for event in read_events(lines(text))]


async def test_events_have_names_ids_and_data():
    text = ": open\n\nid: 7\nevent: part\ndata: a\ndata:  b\n\ndata: c\n\n: alive\n\n"
    assert await read(text) == [Received("part", "a\n b", "7"), Received("message", "c", "")]


async def test_an_event_that_was_cut_off_is_no_event():
    assert await read("event: part\ndata: whole\n\nevent: part\ndata: hal") == [Received("part", "whole", "")]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:7400", "http://[::1]:7400", "http://localhost", "http://a.localhost:1"]
)
def test_this_machine_is_asked_without_a_proxy(url: str):
    assert is_loopback(url)


@pytest.mark.parametrize("url", ["https://example.com", "http://10.0.0.1", "http://localhost.example.com"])
def test_another_machine_may_be_behind_a_proxy(url: str):
    assert not is_loopback(url)
