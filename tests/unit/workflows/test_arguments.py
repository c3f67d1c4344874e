"""What an engine, a query or a store is given, and cannot be right, is refused by the argument's name."""

from datetime import timedelta

import pytest

from euryale.workflows import (
    DefinitionError,
    Engine,
    ExecutionQuery,
    JsonCodec,
    Queue,
    Secret,
    Signal,
    Status,
    step,
    wait_for,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.sqlite import SQLiteStore


@step
async def work(value: int) -> int:
    return value


@workflow("worked")
def worked(value: int) -> int:
    return work(value)


def undecorated(value: int) -> int:
    return value


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"concurrency": -1}, "Engine: concurrency=-1 is not a whole number of at least 0"),
        ({"concurrency": "5"}, "Engine: concurrency='5' is not a whole number"),
        ({"lease": 0}, "Engine: lease=0 is not a number of seconds above 0"),
        ({"lease": "15"}, "Engine: lease='15' is not a number of seconds above 0"),
        ({"rest_after": -1}, "Engine: rest_after=-1 is not a number of seconds from 0 up"),
        ({"prune_every": -1}, "Engine: prune_every=-1 is not a number of seconds above 0"),
        ({"services": [1]}, "Engine: services=[1] is not a mapping of types to objects"),
        ({"queues": ["q"]}, "Engine: queues[0]='q' is not a queue"),
        ({"queues": Queue("q")}, "is not a list of queues"),
        ({"schedules": [worked]}, "Engine: schedules[0]=<workflow worked v1> is not a schedule"),
        ({"workflows": worked}, "Engine: workflows=<workflow worked v1> is not a list of workflows"),
        ({"workflows": [undecorated]}, "is not a workflow"),
        ({"store": "orders.db"}, "Engine: store='orders.db' is not a store. Pass SQLiteStore("),
        ({"store": MemoryStore}, "is not a store"),
    ],
)
def test_an_engine_is_made_of_the_right_parts(settings, said):
    with pytest.raises(DefinitionError) as refused:
        Engine(**{"store": MemoryStore(), **settings})
    assert said in str(refused.value)


def test_an_engine_takes_what_is_at_the_edge():
    Engine(MemoryStore(), concurrency=0, lease=0.1, rest_after=0, prune_every=None, services={int: 1})
    Engine(MemoryStore(), rest_after=float("inf"), workflows=iter([worked]))


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        ("worked", "'worked' is no workflow"),
        (work, "<step work> is no workflow"),
        (undecorated, "is no workflow"),
    ],
)
async def test_what_is_no_workflow_is_not_started(engine, flow, said):
    for start in (engine.start, engine.run):
        with pytest.raises(DefinitionError) as refused:
            await start(flow, 1)
        assert said in str(refused.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"delay": -5}, "delay=-5: give seconds from 0 up, or a timedelta"),
        ({"delay": timedelta(seconds=-5)}, "give seconds from 0 up"),
        ({"delay": float("nan")}, "delay=nan"),
        ({"delay": "5"}, "delay='5'"),
        ({"id": 5}, "id=5 is not a text. Write id=str(...)."),
        ({"id": 0}, "id=0 is not a text"),
        ({"priority": "high"}, "priority='high' is not a whole number"),
        ({"queue": "q"}, "queue='q' is not a queue. Pass what Queue("),
    ],
)
async def test_an_option_of_another_type_starts_nothing(engine, options, said):
    with pytest.raises(DefinitionError) as refused:
        await engine.start(worked, 1, **options)
    assert said in str(refused.value)
    assert await engine.list() == ()


@workflow("told")
def told() -> int:
    return wait_for(Signal("go", int))


async def test_only_a_signal_is_sent(engine):
    handle = await engine.start(told, delay=60)
    with pytest.raises(DefinitionError, match=r"signal='go' is not a signal\. Pass the one that it waits for"):
        await engine.signal(handle.id, "go", 1)
    assert await engine.signal(handle.id, Signal("go", int), 1)


async def test_a_picture_has_a_known_form(engine):
    handle = await engine.start(worked, 1)
    with pytest.raises(DefinitionError, match="form='png' is not one of json, mermaid, svg"):
        await engine.graph(handle.id, "png")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": -1}, "limit=-1 is not a whole number of at least 0"),
        ({"limit": "5"}, "limit='5' is not a whole number"),
        ({"statuses": ["bogus"]}, "statuses=['bogus'] is not a frozenset of Status"),
        ({"statuses": frozenset({"bogus"})}, "is not a frozenset of Status"),
        ({"statuses": "succeeded"}, "Write statuses=frozenset({Status.SUCCEEDED})"),
        ({"before": "one"}, "before='one' is not a cursor. Pass the cursor of the last execution"),
        ({"before": ("id", 1.0)}, "is not a cursor"),
        ({"workflow": worked}, "workflow=<workflow worked v1> is not a text"),
        ({"queue": Queue("q")}, "is not a text"),
        ({"parent_id": 5}, "parent_id=5 is not a text"),
        ({"prefix": None}, "prefix=None is not a text"),
    ],
)
def test_a_query_asks_for_what_there_can_be(options, said):
    with pytest.raises(DefinitionError) as refused:
        ExecutionQuery(**options)
    assert said in str(refused.value)


async def test_a_query_pages_by_cursors(engine):
    for each in "ab":
        await engine.run(worked, 1, id=each)
    query = ExecutionQuery(statuses=frozenset({Status.SUCCEEDED}), limit=1)
    (first,) = await engine.list(query)
    (second,) = await engine.list(ExecutionQuery(before=first.cursor))
    assert {first.id, second.id} == {"a", "b"}
    assert await engine.list(ExecutionQuery(limit=0)) == ()


@pytest.mark.parametrize("path", ["", ".", ":memory:", 5, None])
def test_a_sqlite_store_is_a_file(path):
    with pytest.raises(DefinitionError, match=r"is not the path of a file\. .*MemoryStore"):
        SQLiteStore(path)


@pytest.mark.parametrize("durability", ["none", None, "FULL"])
@pytest.mark.parametrize("store", [SQLiteStore, PostgresStore])
def test_a_store_is_as_durable_as_it_can_be_told(store, durability):
    with pytest.raises(DefinitionError, match=r"durability=.* is not one of full, process"):
        store("postgresql://host/database", durability=durability)


def test_a_postgres_store_has_a_url_and_does_not_tell_it():
    with pytest.raises(DefinitionError, match=r"url is a bytes\. Write PostgresStore\(") as refused:
        PostgresStore(b"postgresql://me:hunter2@host/database")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("keys", ["hunter2hunter2", ("hunter2hunter2",), Secret("hunter2hunter2"), None])
def test_a_codec_has_secret_keys_and_does_not_tell_them(keys):
    with pytest.raises(DefinitionError, match=r"keys is not a tuple of secrets\. Write keys=\(Secret\(") as refused:
        JsonCodec(keys)
    assert "hunter2" not in str(refused.value)


def test_a_codec_has_a_limit_in_bytes():
    with pytest.raises(DefinitionError, match="limit=0 is not a whole number of at least 1"):
        JsonCodec(limit=0)
