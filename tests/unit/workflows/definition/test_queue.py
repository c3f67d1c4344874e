"""Queues as values."""

import pytest

from euryale.workflows import DefinitionError, Engine, PayloadError, Queue, Rate, step, workflow
from euryale.workflows.stores.memory import MemoryStore


@step
async def work(name: str) -> str:
    return name


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": ""}, "printable name"),
        ({"name": "x" * 201}, "printable name"),
        ({"concurrency": 0}, "concurrency=0"),
        ({"worker_concurrency": -1}, "worker_concurrency=-1"),
        ({"key": str, "key_concurrency": 0}, "key_concurrency=0"),
        ({"policy": "replace"}, "among executions of one key"),
        ({"key_concurrency": 2}, "among executions of one key"),
        ({"policy": "skip", "key": str}, "no policy 'skip'"),
        ({"policy": "cancel", "key": str, "key_concurrency": 2}, "only one has it"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said):
    with pytest.raises(DefinitionError, match=said):
        Queue(**{"name": "q", **settings})


@pytest.mark.parametrize(("limit", "per"), [(0, 1), (1, 0), (1, -1), (1, float("inf")), (1, float("nan"))])
def test_a_rate_is_some_starts_in_some_seconds(limit, per):
    with pytest.raises(DefinitionError, match="at least 1 start"):
        Rate(limit, per=per)


def test_a_key_is_taken_from_the_input():
    queue = Queue("q", key=lambda value: value)
    assert (queue.key_of("a"), queue.key_of(None), Queue("q").key_of("a")) == ("a", "", "")
    for wrong in ("", 7, "x" * 201, "a\x00"):
        with pytest.raises(PayloadError, match="queue 'q' takes from the input"):
            queue.key_of(wrong)


def flow(name: str, queue: Queue | None):
    @workflow(name, queue=queue)
    def composed(value: str) -> str:
        return work(value)

    return composed


async def test_a_name_stands_for_one_queue():
    queue = Queue("q", concurrency=1)
    Engine(MemoryStore(), workflows=[flow("a", queue), flow("b", Queue("q", concurrency=1))], queues=[queue])
    with pytest.raises(DefinitionError, match="different settings are called 'q'"):
        Engine(MemoryStore(), workflows=[flow("a", queue), flow("b", Queue("q", concurrency=2))])
    with pytest.raises(DefinitionError, match="different settings are called 'q'"):
        Engine(MemoryStore(), queues=[queue, Queue("q")])
    async with Engine(MemoryStore(), queues=[queue]) as engine:
        with pytest.raises(DefinitionError, match="different settings are called 'q'"):
            await engine.start(flow("a", None), "x", queue=Queue("q"))


def test_a_workflow_that_is_refused_is_not_half_known():
    engine = Engine(MemoryStore(), queues=[Queue("q", concurrency=1)])

    @workflow("in-a-queue", queue=Queue("q", concurrency=2))
    def in_a_queue(value: str) -> str:
        return value

    @workflow("outer")
    def outer(value: str) -> str:
        return in_a_queue(value)

    for flow in (in_a_queue, outer):
        with pytest.raises(DefinitionError, match="Two queues with different settings"):
            engine.register(flow)
        assert engine.workflows() == ()


def test_a_queue_is_no_part_of_the_plan():
    assert flow("a", Queue("q")).plan.hash == flow("a", None).plan.hash
