"""Lanes by themselves: where they go on, and how they end."""

import asyncio

import pytest

from euryale.workflows.definition.graph import Vertex
from euryale.workflows.runtime.lanes import Lane, Lanes


def vertex(name: str) -> Vertex:
    return Vertex(1, "step", name, None, (), 1, ())


def nothing() -> None:
    pass


async def wait_for_ever(lane: Lane, heard: list[str]) -> None:
    """Wait, and tell when that is broken off."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        heard.append(lane.vertex.id)
        raise


async def test_a_lane_goes_on_where_it_is_told_and_makes_others():
    ways = {"a": ["b", "c"], "b": ["d"]}
    visited = []

    async def visit(lane: Lane) -> list[Vertex]:
        visited.append(lane.vertex.id)
        return [vertex(name) for name in ways.get(lane.vertex.id, [])]

    lanes = Lanes()
    await lanes.run([vertex("a")], visit, nothing)
    assert sorted(visited) == ["a", "b", "c", "d"]
    assert not lanes.all


async def test_each_end_but_the_last_is_told():
    ends = []

    async def visit(lane: Lane) -> list[Vertex]:
        return []

    lanes = Lanes()
    await lanes.run([vertex("a"), vertex("b"), vertex("c")], visit, lambda: ends.append(len(lanes.all)))
    assert ends == [2, 1]


async def test_the_first_error_is_raised_when_all_others_have_been_interrupted():
    heard = []

    async def visit(lane: Lane) -> list[Vertex]:
        if lane.vertex.id == "fails":
            raise ValueError("no")
        await wait_for_ever(lane, heard)
        return []

    lanes = Lanes()
    with pytest.raises(ValueError, match="no"):
        await lanes.run([vertex("waits"), vertex("fails"), vertex("waits too")], visit, nothing)
    assert heard == ["waits", "waits too"]
    assert not lanes.all


async def test_one_that_is_interrupted_before_it_begins_visits_nothing():
    visited = []
    lanes = Lanes()

    async def visit(lane: Lane) -> list[Vertex]:
        visited.append(lane.vertex.id)
        for other in lanes.all:
            if other is not lane:
                other.interrupt()
        return []

    await lanes.run([vertex("first"), vertex("second")], visit, nothing)
    assert visited == ["first"]


async def test_one_that_swallows_its_interruption_ends_where_it_is():
    visited, waiting = [], asyncio.Event()
    lanes = Lanes()

    async def visit(lane: Lane) -> list[Vertex]:
        visited.append(lane.vertex.id)
        if lane.vertex.id == "stubborn":
            try:
                waiting.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return [vertex("next"), vertex("beside")]
        await waiting.wait()
        for other in lanes.all:
            if other is not lane:
                other.interrupt()
        return []

    await lanes.run([vertex("stubborn"), vertex("last")], visit, nothing)
    assert visited == ["stubborn", "last"]


async def test_one_that_nobody_interrupted_and_is_cancelled_is_a_fault():
    async def visit(lane: Lane) -> list[Vertex]:
        assert lane.task is not None
        lane.task.cancel()
        await asyncio.Event().wait()
        return []

    with pytest.raises(RuntimeError, match="the lane at 'a' was cancelled by nobody"):
        await Lanes().run([vertex("a")], visit, nothing)


async def test_who_cancels_the_run_interrupts_all():
    heard, begun = [], asyncio.Event()

    async def visit(lane: Lane) -> list[Vertex]:
        begun.set()
        await wait_for_ever(lane, heard)
        return []

    lanes = Lanes()
    running = asyncio.ensure_future(lanes.run([vertex("a")], visit, nothing))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert heard == ["a"]
    assert not lanes.all
