"""What a worker may have begun when it died, its successor knows, whatever was written of the way there."""

import asyncio

import pytest

from euryale.workflows import (
    Engine,
    ExecutionCancelled,
    Signal,
    Status,
    emit,
    for_each,
    step,
    transform,
    when,
    workflow,
)
from euryale.workflows.record.entry import Message
from euryale.workflows.stores.memory import MemoryStore
from eventually import eventually


async def die(engine):
    """Let the worker process of an engine end in the middle of what it does."""
    await engine._worker._tasks.stop()
    await engine._tasks.stop()


def build(effects, held, failing):
    """Return steps that wait where they are held, and fail where they are to."""

    def made(name):
        @step(name=name)
        async def work(value: int) -> int:
            await effects.do(f"{name}{value}")
            if f"{name}{value}" in held:
                await asyncio.Event().wait()
            if name in failing:
                raise RuntimeError(name)
            return value

        @work.compensate
        async def _(undo: int | None, *, value: int) -> None:
            await effects.undo(f"{name}{value}")

        return work

    return made


@pytest.mark.parametrize("way", ["an event", "a choice", "both"])
async def test_what_began_behind_an_event_or_a_choice_is_undone_when_it_is_cancelled_meanwhile(effects, way):
    made = build(effects, held := {"b1"}, set())
    a, b, c = made("a"), made("b"), made("c")

    @workflow("w")
    def flow(value: int) -> int:
        first = a(value)
        if way != "a choice":
            emit("begun", first)
        if way == "an event":
            return b(first)
        return when(first, bool).then(lambda: b(first)).otherwise(lambda: c(first))

    store = MemoryStore()
    first = Engine(store, workflows=[flow])
    await first.open()
    await first.start(flow, 1, id="e")
    await eventually(lambda: "b1" in effects.done())
    await die(first)
    held.clear()
    await store.post(Message("e", "cancel", "", b"null", 1.0))
    async with Engine(store, workflows=[flow]) as second:
        assert await second.wait("e") is Status.REVERTED
    assert effects.undone() == ("b1", "a1")
    assert effects.standing() == frozenset()
    assert await store.released(1) == ()


async def test_items_that_are_not_needed_any_more_are_undone_too_if_they_may_have_run(effects):
    made = build(effects, held := {"item1", "last2"}, failing := set())
    item, last = made("item"), made("last")

    @workflow("w")
    def flow(count: int) -> int:
        items = transform(lambda count: list(range(count)), count)
        return last(transform(len, for_each(items, item, min_successful=1, concurrency=2)))

    store = MemoryStore()
    first, second = (Engine(store, workflows=[flow]) for _ in range(2))
    await first.open()
    await first.start(flow, 2, id="e")
    await eventually(lambda: len(store._entries["e"]) == 1 and len(effects) == 2)
    await die(first)
    await second.open()
    await eventually(lambda: "last2" in effects.done())
    await die(second)
    held.clear()
    failing.add("last")
    async with Engine(store, workflows=[flow]) as third:
        assert await third.wait("e") is Status.REVERTED
    assert effects.standing() == frozenset()


class Silent(MemoryStore):
    """Nobody is told anything, and who looks finds nothing."""

    async def announce(self, notices):
        pass

    async def told(self, owner):  # noqa: ARG002 -- as the store's
        return {}


def ending(effects):
    """Return a workflow of one step, an event that it sets, and the one that it waits for then."""
    begun, go = asyncio.Event(), asyncio.Event()

    @step
    async def last() -> str:
        await effects.do("last")
        begun.set()
        await go.wait()
        return "it"

    @last.compensate
    async def _(undo: str | None) -> None:
        await effects.undo(str(undo))

    @workflow("w")
    def flow() -> str:
        return last()

    return flow, begun, go


async def test_a_cancellation_of_which_the_worker_has_not_heard_is_heard_at_the_end(effects):
    """Nothing that was told in between gets lost, and what the last step did is undone with what it returned."""
    store, (flow, begun, go) = Silent(shared=True), ending(effects)
    async with Engine(store) as first, Engine(store, concurrency=0) as second:
        handle = await first.start(flow, id="e")
        await begun.wait()
        assert await second.cancel("e")
        assert await second.signal("e", Signal("more", int), 1)
        go.set()
        with pytest.raises(ExecutionCancelled):
            await handle.result()
        assert not await second.cancel("e")
    assert [(each.kind, each.name) for each in effects] == [("do", "last"), ("undo", "it")]


async def test_a_message_that_is_no_cancellation_holds_up_no_end(effects):
    store, (flow, begun, go) = Silent(shared=True), ending(effects)
    async with Engine(store) as first, Engine(store, concurrency=0) as second:
        handle = await first.start(flow, id="e")
        await begun.wait()
        await second.signal("e", Signal("more", int), 1)
        go.set()
        assert await handle.result() == "it"


class CountingStore(MemoryStore):
    """Tells when somebody was refused what another worker has."""

    def __init__(self):
        super().__init__(shared=True)
        self.refused = asyncio.Event()

    async def reclaim(self, execution_id, owner):
        row = await super().reclaim(execution_id, owner)
        if row is not None and row.owner != owner:
            self.refused.set()
        return row


async def test_a_child_that_another_worker_has_is_undone_when_that_has_let_go_of_it(effects):
    made = build(effects, held := {"b1"}, set())
    a, b = made("a"), made("b")

    @workflow("inner")
    def inner(value: int) -> int:
        return a(value)

    @workflow("w")
    def flow(value: int) -> int:
        return b(inner(value))

    store = CountingStore()
    async with Engine(store, workflows=[flow]) as engine:
        handle = await engine.start(flow, 1, id="e")
        await eventually(lambda: held & set(effects.done()))
        await store.enlist("draining", 60.0)
        await store.reclaim("e::inner", "draining")  # it was about to undo it, as it had the parent
        await handle.cancel()
        await store.refused.wait()
        await store.retire("draining")
        async with asyncio.timeout(10):
            assert await engine.wait("e") is Status.REVERTED
    assert effects.undone() == ("b1", "a1")
