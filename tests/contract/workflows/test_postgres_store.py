"""What the store on PostgreSQL keeps besides what all stores do: fences, lost sessions, its schema, its outbox."""

import asyncio

import asyncpg
import pytest

from euryale.workflows import StoreError, UnusableStoreError, UnwritableError
from euryale.workflows.record.entry import Commit, Message, Release, StatusChange
from euryale.workflows.record.queueing import Terms
from euryale.workflows.record.schedule import Firing
from euryale.workflows.record.states import Slot, Status
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.postgres.notices import pack
from euryale.workflows.stores.postgres.schema import migrate
from euryale.workflows.stores.postgres.server import Server
from euryale.workflows.stores.postgres.statements import SQL
from euryale.workflows.testing.store_samples import claim, create, entry, event, opened, row
from eventually import eventually
from postgres_server import free_port

NONE = frozenset()
FIRST = frozenset({0})
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE $1"
CATALOG = """
SELECT format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = $1
UNION ALL SELECT format('index %s', replace(indexdef, $1 || '.', '')) FROM pg_indexes WHERE schemaname = $1
UNION ALL SELECT format('function %s', replace(pg_get_functiondef(oid), $1 || '.', ''))
FROM pg_proc WHERE pronamespace = $1::regnamespace
UNION ALL SELECT format('type %s.%s %s', c.relname, a.attname, a.atttypid::regtype)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'c' AND c.relnamespace = $1::regnamespace
UNION ALL SELECT format('options %s %s', relname, reloptions) FROM pg_class WHERE relnamespace = $1::regnamespace
ORDER BY 1
"""


@pytest.fixture
async def store(new_postgres_store):
    return await opened(new_postgres_store)


@pytest.fixture
async def server_sql(server):
    """A session that is in no transaction."""
    connection = await asyncpg.connect(server.url)
    yield connection
    await connection.close()


@pytest.fixture
async def other(new_postgres_store, store):
    other = new_postgres_store()
    await other.open()
    await other.enlist("w9", 60)
    return other


async def waiting(sql, store, purpose="writer") -> bool:
    """Whether a session of the store waits for a lock."""
    return await sql.fetchval(WAITING, store._server.label(f"{purpose}/%")) > 0


async def sessions(sql, store) -> list[str]:
    found = await sql.fetch(
        "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE $1", label(store)
    )
    return [name for (name,) in found]


def label(store) -> str:
    return store._server.label("%")


async def patiently(call):
    """What the engine does when the store is away."""

    async def attempt():
        try:
            return (await call(),)
        except UnwritableError:
            raise
        except StoreError:
            return None

    return (await eventually(attempt, within=20))[0]


@pytest.mark.parametrize(
    "commit",
    [
        Commit("a", 1, (entry(1),)),
        Commit("a", 1, (entry(1),), StatusChange(Status.WAITING), stage=(event("e", "a"),), events="release"),
        Commit("a", 1, create=(create("a::c", owner="w1").create[0],)),
    ],
    ids=["entries", "status and events", "a child"],
)
async def test_a_write_under_way_is_refused_when_a_takeover_commits_before_it(store, sql, server_sql, commit):
    await store.write([create("a"), create("b", owner="w2")])
    before = await store.load("a")
    async with sql.transaction():
        await sql.execute("SELECT retire('w1', false)")
        write = asyncio.create_task(store.write([commit, Commit("b", 1, (entry(1),))]))
        await eventually(lambda: waiting(server_sql, store))
        assert not write.done()
    assert await write == FIRST
    after = await store.load("a")
    assert (after.entries, after.row.status, after.row.epoch) == ((), before.row.status, 2)
    assert await store.load("a::c") is None
    assert await store.released(10) == ()
    assert (await store.load("b")).entries == (entry(1),), "nobody else's is touched"


@pytest.mark.parametrize(
    "commit",
    [
        Commit("a", 1, (entry(1),)),
        Commit("a", 1, (entry(1),), StatusChange(Status.SUCCEEDED, output=b"1"), events="release"),
        create("fresh"),
    ],
    ids=["an entry", "an end", "a creation"],
)
async def test_a_lone_write_under_way_is_refused_when_a_takeover_commits_before_it(store, sql, server_sql, commit):
    await store.write([Commit("a", 1, create=create("a").create, stage=(event("e", "a"),))])
    async with sql.transaction():
        await sql.execute("SELECT retire('w1', false)")
        write = asyncio.create_task(store.write([commit]))
        await eventually(lambda: waiting(server_sql, store))
        assert not write.done()
    assert await write == FIRST
    after = await store.load("a")
    assert (after.entries, after.row.status, after.row.epoch, after.row.owner) == ((), Status.RUNNING, 2, "")
    assert await store.load("fresh") is None
    assert await store.released(10) == ()


async def test_a_takeover_waits_for_a_write_under_way(store, other, sql, server, schema):
    await store.write([create("a")])
    blocker = await asyncpg.connect(server.url, server_settings={"search_path": schema})
    async with blocker.transaction():
        await blocker.execute("INSERT INTO entries (execution_id, seq, kind, at, step, attempt, message)"
                              " VALUES ('a', 1, 'x', 1, 's', 1, 0)")  # fmt: skip
        write = asyncio.create_task(store.write([Commit("a", 1, (entry(1),))]))
        await eventually(lambda: waiting(sql, store))
        takeover = asyncio.create_task(other.retire("w1"))
        await eventually(lambda: waiting(sql, other, "desk"))
        await blocker.execute("DELETE FROM entries")
    await blocker.close()
    assert await write == NONE
    await takeover
    assert (await other.load("a")).entries == (entry(1),), "who takes over reads all that was written before"
    assert await store.write([Commit("a", 1, (entry(2),))]) == FIRST


async def test_a_worker_stopped_in_the_middle_of_a_statement_holds_up_nobody(store, other, server, schema):
    """As a process that is stopped while it reads an answer: its session holds its locks for as long as it is."""
    await other.enlist("dead", 0)
    await other.write([create("a", owner="dead")])
    await other.retire("w9")
    stopped = await asyncpg.connect(
        server.url,
        server_settings={"search_path": schema, "application_name": other._server.label("writer/9")},
    )
    try:
        transaction = stopped.transaction()
        await transaction.start()
        await stopped.execute("SELECT FROM workers WHERE owner = 'dead' FOR KEY SHARE")
        assert await asyncio.wait_for(store.reap(), 10) == ("dead",)
        assert [each.epoch for each in (await store.claim(claim("w2"))).rows] == [3]
        await eventually(stopped.is_closed)
    finally:
        stopped.terminate()


async def test_what_is_repeated_when_nobody_owns_it_any_more_changes_nothing(store):
    """The answer to a last commit was lost; somebody else may have gone on since."""
    last = Commit("a", 1, (entry(1),), StatusChange(Status.WAITING), release=Release(None, 0))
    await store.write([create("a")])
    for _ in range(2):
        assert await store.write([last]) == NONE
    taken = await store.reclaim("a", "w2")
    assert await store.write([last]) == FIRST
    assert (await store.load("a")).row == taken


async def test_a_session_lost_while_it_is_idle_is_replaced(store, sql):
    await store.write([create("a")])
    await sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1", label(store)
    )
    assert await patiently(lambda: store.write([Commit("a", 1, (entry(1),))])) == NONE
    assert (await patiently(lambda: store.load("a"))).entries == (entry(1),)
    assert len((await patiently(lambda: store.claim(claim("w2")))).rows) == 0


async def test_a_session_lost_in_the_middle_of_a_write_leaves_nothing_half_done(store, sql, server, schema):
    commits = [create("a"), Commit("a", 1, (entry(1),), StatusChange(Status.WAITING))]
    blocker = await asyncpg.connect(server.url, server_settings={"search_path": schema})
    async with blocker.transaction():
        await blocker.execute("SELECT FROM workers WHERE owner = 'w1' FOR UPDATE")
        write = asyncio.create_task(store.write(commits))
        await eventually(lambda: waiting(sql, store))
        await sql.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1",
            store._server.label("writer/%"),
        )
        with pytest.raises(StoreError, match="connection"):
            await write
    await blocker.close()
    assert await store.load("a") is None
    assert await store.write(commits) == NONE
    assert (await store.load("a")).entries == (entry(1),)


async def test_what_a_lost_session_is_still_at_is_not_done_after_what_comes_later(store, sql, server, schema):
    """We lost it, and the server does not know: its statement must not overtake the next one."""
    await store.write([create("a")])
    blocker = await asyncpg.connect(server.url, server_settings={"search_path": schema})
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("SELECT FROM executions WHERE id = 'a' FOR UPDATE")
    write = asyncio.create_task(store.write([Commit("a", 1, change=StatusChange(Status.WAITING))]))
    await eventually(lambda: waiting(sql, store))
    write.cancel()
    await asyncio.gather(write, return_exceptions=True)
    later = asyncio.create_task(store.write([Commit("a", 1, change=StatusChange(Status.COMPENSATING))]))
    await eventually(lambda: _is_only(sql, store, "writer/2"))
    await transaction.rollback()
    await blocker.close()
    assert await later == NONE
    assert (await store.load("a")).row.status is Status.COMPENSATING


async def _is_only(sql, store, name) -> bool:
    writers = [each for each in await sessions(sql, store) if "/writer/" in each]
    return writers == [store._server.label(name)]


async def test_what_a_lost_claim_took_is_given_with_the_next(store, other):
    await store.write([create(name, owner="", available_at=500.0) for name in ("a", "b")])
    run = store._claims.run

    async def lose(work):
        await run(work)
        raise StoreError("the answer was lost")

    store._claims.run = lose
    for _ in range(2):
        with pytest.raises(StoreError):
            await store.claim(claim("w1", limit=1))
    store._claims.run = run
    assert {each.id for each in (await store.claim(claim("w1", limit=1))).rows} == {"a", "b"}
    assert (await store.claim(claim("w1"))).rows == ()
    assert (await other.claim(claim("w9"))).rows == ()


async def test_a_message_sent_again_has_the_number_it_had(store):
    await store.write([create("a")])
    message = Message("a", "cancel", "", b"null", 5.0)
    first = await store.post(message)
    assert await store.post(message) == first
    await store.write([Commit("a", 1, change=StatusChange(Status.COMPENSATING))])
    assert (await store.post(message)).number == first.number
    assert (await store.load("a")).row.messages == 1


async def test_a_server_that_restarts_is_an_ordinary_event(store, other, server):
    await store.write([create("a")])
    heard = set()
    other.listen(heard.update)
    await asyncio.to_thread(server.stop)
    with pytest.raises(StoreError):
        await store.write([Commit("a", 1, (entry(1),))])
    with pytest.raises(StoreError, match="cannot be reached"):
        await store.load("a")
    await asyncio.to_thread(server.start)
    assert await patiently(lambda: store.write([Commit("a", 1, (entry(1),))])) == NONE
    assert (await patiently(lambda: store.load("a"))).entries == (entry(1),)

    async def told() -> bool:
        await patiently(lambda: store.announce(["told a"]))
        return "told a" in heard

    await eventually(told, every=0.1)
    assert "ready" in heard, "what was announced meanwhile may be lost"


async def test_a_server_that_is_away_is_told_without_the_password(schema):
    store = PostgresStore(f"postgresql://ann:hunter2@127.0.0.1:{free_port()}/shop", schema=schema)
    with pytest.raises(StoreError, match=r"PostgreSQL at 127\.0\.0\.1:\d+/shop cannot be reached") as caught:
        await store.open()
    await store.close()
    assert "hunter2" not in f"{caught.value!r} {caught.value} {store!r} {store._server!r}"


@pytest.mark.parametrize("url", ["postgresql://ann:hunter2/@host/x", "postgresql://ann:x@h:hunter2/x", "hunter2://x"])
async def test_a_url_that_is_none_is_told_without_the_password(url):
    with pytest.raises(StoreError) as caught:
        await PostgresStore(url).open()
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("schema", ["Shop", 'a"b', "pg_mine", "", "1st", "x" * 49])
async def test_a_schema_is_a_plain_name(server, schema):
    with pytest.raises(StoreError, match="cannot be the schema"):
        await PostgresStore(server.url, schema=schema).open()


async def test_many_may_open_a_new_schema_at_once(new_postgres_store, sql):
    stores = [new_postgres_store() for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    assert [number for (number,) in await sql.fetch("SELECT number FROM versions")] == list(
        range(1, len(SQL.migrations) + 1)
    )
    await stores[0].enlist("w1", 60)
    assert await stores[0].write([create("a")]) == NONE
    assert await stores[5].load("a") is not None


@pytest.mark.parametrize("begun", range(len(SQL.migrations)))
async def test_a_schema_that_was_migrated_is_as_a_new_one(server, schema, sql, new_postgres_store, begun):
    await new_postgres_store().open()
    fresh = [text for (text,) in await sql.fetch(CATALOG, schema)]
    assert len(fresh) > 100
    await sql.execute(f"DROP SCHEMA {schema} CASCADE")
    await migrate(Server(new_postgres_store()._server.url, schema, "full", "x"), SQL.migrations[: begun + 1])
    store = await opened(new_postgres_store)
    assert await store.write([create("a")]) == NONE
    assert [text for (text,) in await sql.fetch(CATALOG, schema)] == fresh


async def test_a_schema_of_a_later_version_is_refused(new_postgres_store, sql):
    await new_postgres_store().open()
    await sql.execute("INSERT INTO versions (number) VALUES (99)")
    with pytest.raises(UnusableStoreError, match="made by a later version"):
        await new_postgres_store().open()


async def test_what_can_never_be_written_is_told_and_nothing_of_it_is(store):
    await store.write([create("a"), create("b")])
    bad = Commit("a", 1, (entry(1, step="a\x00b"),))
    with pytest.raises(UnwritableError):
        await store.write([Commit("b", 1, (entry(1),)), bad])
    with pytest.raises(UnwritableError):
        await store.write([Commit("b", 1, (entry(1),)), create("c"), Commit("c", 1), create("d\x00")])
    assert (await store.load("b")).entries == ()
    assert await store.load("c") is None
    assert await store.write([Commit("b", 1, (entry(1),))]) == NONE


@pytest.mark.parametrize(("durability", "wanted"), [("full", "on"), ("process", "off")])
async def test_durability_is_what_was_asked_for(new_postgres_store, sql, durability, wanted):
    await sql.execute("ALTER ROLE ann SET synchronous_commit = off")
    try:
        store = new_postgres_store(durability=durability)
        await store.open()
        read = "SELECT current_setting('synchronous_commit')"
        for each in (store._writer, store._desk, store._claims):
            assert await each.run(lambda connection: connection.fetchval(read)) == wanted
    finally:
        await sql.execute("ALTER ROLE ann RESET synchronous_commit")


async def test_two_relays_are_not_given_the_same_events(store, other, sql):
    await store.write([create("a"), Commit("a", 1, stage=tuple(event(f"e{at}", "a") for at in range(4)))])
    await store.write([Commit("a", 1, events="release")])
    mine, theirs = await asyncio.gather(store.released(2), other.released(2))
    assert {each.id for each in (*mine, *theirs)} == {"e0", "e1", "e2", "e3"}
    assert await store.released(2) == mine, "until they are delivered they are ours"
    await other.retire("w9")
    assert {each.id for each in await store.released(10)} == {"e0", "e1", "e2", "e3"}
    await other.enlist("w10", 60)
    assert await other.released(10) == ()
    await sql.execute("UPDATE events SET taken_at = now() - interval '2 minutes'")
    assert len(await other.released(10)) == 4


async def test_a_closed_store_leaves_no_session(store, sql):
    await store.write([create("a")])
    await store.announce(["ready"])
    await store.prune(0, 1)
    assert len(await sessions(sql, store)) >= 4
    await store.close()

    async def none() -> bool:
        return await sessions(sql, store) == []

    await eventually(none)
    with pytest.raises(StoreError, match="not open"):
        await store.load("a")


def test_notices_are_packed_into_few_of_a_size_that_is_taken():
    notices = [f"ended é{at:04d}" for at in range(2000)]
    packed = pack(["x" * 9000, *notices])
    assert [each for text in packed for each in text.split("\n")] == notices
    assert all(len(text.encode()) <= 7900 for text in packed)
    assert len(packed) == 4
    assert pack([]) == []


@pytest.mark.parametrize("policy", ["replace", "cancel"])
@pytest.mark.parametrize(("former", "other"), [("a", "b"), ("b", "a")])
async def test_whom_a_tick_tells_to_end_is_locked_in_the_order_that_batches_go_by(
    store, sql, server_sql, policy, former, other
):
    """The former execution of its schedule, and those with its key in its queue: neither waits for the other's."""
    places = {"owner": "", "status": Status.PENDING, "queue": "q", "slot": Slot.WAITING}
    await store.write([Commit(other, 1, create=(row(other, queue_key="k", **places),))])
    by_hand = Firing("s", "every 60", 1000.0, row(former, owner="", status=Status.PENDING), by_hand=True)
    await store.fire(by_hand)
    tick = row("c", queue_key="k", **places)
    firing = Firing("s", "every 60", 1060.0, tick, overlap="cancel", terms=Terms(policy, 1, b'"why"'))
    async with sql.transaction():
        await sql.execute("SELECT FROM executions WHERE id = 'a' FOR NO KEY UPDATE")
        fire = asyncio.create_task(store.fire(firing))
        await eventually(lambda: waiting(server_sql, store, "desk"))
        await sql.execute("SELECT FROM executions WHERE id = 'b' FOR NO KEY UPDATE NOWAIT")
    fired = await fire
    assert (fired.outcome, fired.cancelled, fired.told) == ("fired", former, (other,))
    for each, payload in (former, b"null"), (other, b'"why"'):
        (message,) = (await store.load(each)).messages
        assert (message.kind, message.payload) == ("cancel", payload)
