"""An execution that is started in a transaction of the caller exists if, and only if, that is committed."""

import asyncio
import contextlib
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from euryale.kit.secret import Secret
from euryale.workflows import (
    DefinitionError,
    Engine,
    IdempotencyError,
    JsonCodec,
    Queue,
    QueueRejectedError,
    Schedule,
    Signal,
    Slot,
    Status,
    TransactionError,
    UnknownExecutionError,
    step,
    wait_for,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.sqlite import SQLiteStore
from eventually import eventually

WORKER = Path(__file__).with_name("start_in_worker.py")


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]


@step
async def deliver(order: str) -> str:
    return f"{order} delivered"


@workflow("ship")
def ship(order: str) -> str:
    return deliver(order)


@workflow("return")
def take_back(order: str) -> str:
    return deliver(order)


@pytest.fixture(params=["asyncpg", "psycopg"])
async def database(request, server):
    engine = create_async_engine(server.url.replace("postgresql:", f"postgresql+{request.param}:"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield engine
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    await engine.dispose()


@pytest.fixture
async def engine(new_postgres_store):
    async with Engine(new_postgres_store(), workflows=[ship]) as engine:
        yield engine


async def exists(engine, execution_id) -> bool:
    with contextlib.suppress(UnknownExecutionError):
        await engine.get(execution_id)
        return True
    return False


async def test_it_begins_with_the_commit(engine, database):
    async with AsyncSession(database) as session, session.begin():
        session.add(Order(id="o1", state="booked"))
        handle = await engine.start_in(session, ship, "o1", id="ship-o1")
        assert handle.id == "ship-o1"
        assert not await exists(engine, "ship-o1"), "nobody else sees it before"
    assert await handle.result() == "o1 delivered"
    async with AsyncSession(database) as session:
        assert (await session.get(Order, "o1")).state == "booked"


async def test_workers_are_told_of_the_commit(engine, database, monkeypatch):
    """Not by polling: it has stopped here."""
    monkeypatch.setattr("euryale.workflows.runtime.dispatcher._POLL_EVERY", 3600.0)
    async with AsyncSession(database) as session:
        await engine.start(ship, "first", id="first")  # so that the worker has looked, and looks no more for an hour
        await engine.wait("first")
        handle = await engine.start_in(session, ship, "o1")
        await session.commit()
        async with asyncio.timeout(10):
            assert await handle.result() == "o1 delivered"


async def test_rolled_back_with_it_nothing_is_left(engine, database):
    async with AsyncSession(database) as session:
        session.add(Order(id="o1", state="booked"))
        await engine.start_in(session, ship, "o1", id="ship-o1")
        await session.rollback()
    assert not await exists(engine, "ship-o1")
    async with AsyncSession(database) as session:
        assert await session.get(Order, "o1") is None
        handle = await engine.start_in(session, ship, "another", id="ship-o1")
        await session.commit()
    assert await handle.result() == "another delivered", "the id is free"


async def test_a_savepoint_that_is_rolled_back_takes_it_along(engine, database):
    async with AsyncSession(database) as session, session.begin():
        await engine.start_in(session, ship, "kept", id="kept")
        savepoint = await session.begin_nested()
        await engine.start_in(session, ship, "dropped", id="dropped")
        await savepoint.rollback()
        async with session.begin_nested():
            await engine.start_in(session, ship, "kept too", id="kept-too")
    assert await engine.handle("kept").result() == "kept delivered"
    assert await engine.handle("kept-too").result() == "kept too delivered"
    assert not await exists(engine, "dropped")


async def test_the_same_id_joins_or_is_refused(engine, database):
    async with AsyncSession(database) as session, session.begin():
        first = await engine.start_in(session, ship, "o1", id="e")
        second = await engine.start_in(session, ship, "o1", id="e")
        with pytest.raises(IdempotencyError, match="another input"):
            await engine.start_in(session, ship, "o2", id="e")
        with pytest.raises(IdempotencyError, match="is an execution of 'ship', not of 'return'"):
            await engine.start_in(session, take_back, "o1", id="e")
    assert await first.result() == await second.result() == "o1 delivered"
    async with AsyncSession(database) as session, session.begin():
        assert await (await engine.start_in(session, ship, "o1", id="e")).result() == "o1 delivered"
        with pytest.raises(IdempotencyError, match="another input"):
            await engine.start_in(session, ship, "o2", id="e")


async def somebody_waits(database):
    """Return when a transaction waits for the end of another."""
    async with AsyncSession(database) as looking:
        await eventually(lambda: looking.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


async def test_two_transactions_with_one_id_start_one_execution(engine, database):
    """The second waits for the first, and joins if that is committed."""
    async with AsyncSession(database) as first, AsyncSession(database) as second:
        await engine.start_in(first, ship, "o1", id="e")
        waiting = asyncio.create_task(engine.start_in(second, ship, "o1", id="e"))
        await somebody_waits(database)
        await first.commit()
        joined = await waiting
        await second.commit()
    assert await joined.result() == "o1 delivered"


async def test_a_business_row_and_its_execution_change_together(engine, database):
    async with AsyncSession(database) as session, session.begin():
        session.add(Order(id="o1", state="new"))
    async with AsyncSession(database) as session, session.begin():
        order = await session.get(Order, "o1", with_for_update=True)
        order.state = "shipping"
        handle = await engine.start_in(session, ship, order.id, id=f"ship-{order.id}")
    with pytest.raises(RuntimeError, match="refused"):
        await take_back_and_fail(engine, database)
    assert await handle.result() == "o1 delivered"
    assert not await exists(engine, "return-o1")
    async with AsyncSession(database) as session:
        assert (await session.get(Order, "o1")).state == "shipping"


async def take_back_and_fail(engine, database) -> None:
    async with AsyncSession(database) as session, session.begin():
        (await session.get(Order, "o1")).state = "returning"
        await engine.start_in(session, take_back, "o1", id="return-o1")
        raise RuntimeError("refused")


async def test_a_connection_will_do(engine, database, server, sql):
    async with database.begin() as connection:
        of_sqlalchemy = await engine.start_in(connection, ship, "a")
    async with sql.transaction():
        of_the_driver = await engine.start_in(sql, ship, "b")
    assert await of_sqlalchemy.result() == "a delivered"
    assert await of_the_driver.result() == "b delivered"


async def test_a_session_without_asyncio_will_do(engine, database, server):
    plain = create_engine(server.url.replace("postgresql:", "postgresql+psycopg:"))
    with Session(plain) as session:
        session.add(Order(id="o1", state="booked"))
        handle = await engine.start_in(session, ship, "o1")
        await asyncio.to_thread(session.commit)
        assert await handle.result() == "o1 delivered"
        dropped = await engine.start_in(session, ship, "o2")
        await asyncio.to_thread(session.rollback)
        assert not await exists(engine, dropped.id)
    with plain.begin() as connection:
        handle = await engine.start_in(connection, ship, "o3")
    assert await handle.result() == "o3 delivered"
    plain.dispose()


async def test_without_a_transaction_nothing_is_started(engine, database, sql):
    async with database.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        with pytest.raises(TransactionError, match="AUTOCOMMIT"):
            await engine.start_in(connection, ship, "o1", id="e")
    with pytest.raises(TransactionError, match="in no transaction"):
        await engine.start_in(sql, ship, "o1", id="e")
    assert not await exists(engine, "e")


async def test_a_session_of_another_database_is_refused(engine, database, server, tmp_path):
    async with database.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("CREATE DATABASE elsewhere"))
        url = database.url.set(database="elsewhere")
        other = create_async_engine(url)
        async with AsyncSession(other) as session:
            with pytest.raises(TransactionError, match="in another database than the store, which is PostgreSQL at"):
                await engine.start_in(session, ship, "o1")
            assert await session.scalar(text("SELECT 1")) == 1, "its transaction is as it was"
        await other.dispose()
        await connection.execute(text("DROP DATABASE elsewhere"))
    lite = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}")
    async with AsyncSession(lite) as session:
        with pytest.raises(TransactionError, match="one of sqlite"):
            await engine.start_in(session, ship, "o1")
    await lite.dispose()
    with pytest.raises(TransactionError, match="object is no session"):
        await engine.start_in(object(), ship, "o1")


async def test_stores_that_cannot_say_so(database, tmp_path):
    for store in (MemoryStore(), SQLiteStore(tmp_path / "s.db")):
        async with Engine(store) as engine, AsyncSession(database) as session:
            with pytest.raises(TransactionError, match="Use a PostgresStore on the database of the session"):
                await engine.start_in(session, ship, "o1")


async def test_what_the_session_raises_comes_as_it_is(engine, database):
    async with AsyncSession(database) as session:
        with pytest.raises(Exception, match="nowhere"):
            await session.execute(text("SELECT * FROM nowhere"))
        with pytest.raises(Exception, match="transaction") as raised:
            await engine.start_in(session, ship, "o1")
        assert not isinstance(raised.value, TransactionError)


async def test_tables_of_the_session_with_the_same_names_do_not_matter(engine, database):
    async with AsyncSession(database) as session, session.begin():
        for table in ("executions", "entries", "events", "workers"):
            await session.execute(text(f"CREATE TEMPORARY TABLE {table} (id text) ON COMMIT DROP"))
        handle = await engine.start_in(session, ship, "o1")
    assert await handle.result() == "o1 delivered"


async def test_a_role_that_may_use_the_schema_may_start_and_nothing_else(engine, database, server, schema, sql):
    await sql.execute(f"DROP ROLE IF EXISTS shop; CREATE ROLE shop LOGIN; GRANT USAGE ON SCHEMA {schema} TO shop")
    shop = create_async_engine(database.url.set(username="shop"))
    async with AsyncSession(shop) as session:
        handle = await engine.start_in(session, ship, "o1")
        await session.commit()
        assert await handle.result() == "o1 delivered"
        with pytest.raises(Exception, match="permission denied for table executions"):
            await session.execute(text(f"SELECT * FROM {schema}.executions"))
    await shop.dispose()
    await sql.execute(f"REVOKE USAGE ON SCHEMA {schema} FROM shop; DROP ROLE shop")


async def test_it_may_wait_and_be_urgent(engine, database):
    async with AsyncSession(database) as session, session.begin():
        handle = await engine.start_in(session, ship, "o1", delay=3600, priority=7)
    view = await engine.get(handle.id)
    assert view.status is Status.PENDING
    row = (await engine._store.load(handle.id)).row
    assert (row.priority, row.available_at - row.created_at) == (7, 3600.0)


async def test_secrets_are_encrypted_and_joined(new_postgres_store, database):
    @workflow("login")
    def login(password: Secret) -> str:
        return deliver("x")

    codec = JsonCodec(keys=(JsonCodec.new_key(),))
    async with Engine(new_postgres_store(), codec=codec) as engine:
        for _ in range(2):
            async with AsyncSession(database) as session, session.begin():
                handle = await engine.start_in(session, login, Secret("a-password"), id="e")
        assert await handle.result() == "x delivered"


async def test_a_client_that_is_killed_before_its_commit_leaves_nothing(engine, database, server, schema):
    arguments = (sys.executable, str(WORKER), server.url, schema)
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"started\n"
    process.kill()
    await process.wait()
    async with AsyncSession(database) as session, session.begin():
        handle = await engine.start_in(session, ship, "ours", id="killed")  # waits for the dead one's rollback
    assert await handle.result() == "ours delivered"
    async with AsyncSession(database) as session:
        assert await session.get(Order, "killed") is None


async def test_in_a_workflows_queue_it_waits_for_its_turn(database, engine):
    @workflow("queued-ship", queue=Queue("ships", concurrency=1, key=lambda order: order))
    def queued_ship(order: str) -> str:
        return deliver(order)

    async with AsyncSession(database) as session, session.begin():
        handle = await engine.start_in(session, queued_ship, "tea")
    assert await handle.result() == "tea delivered"
    view = await handle.view()
    assert (view.queue, view.key, view.slot) == ("ships", "tea", Slot.HELD)


def shipping(policy, **details):
    @workflow(f"ship-{policy}", queue=Queue(f"ships-{policy}", key=lambda order: order, policy=policy, **details))
    def keyed(order: str) -> str:
        return wait_for(Signal("go", str))

    return keyed


async def test_a_queue_that_rejects_does_so_in_the_transaction(database, engine):
    flow = shipping("reject", key_concurrency=2)
    async with AsyncSession(database) as session, session.begin():
        first = await engine.start_in(session, flow, "tea", id="first")
        await engine.start_in(session, flow, "tea", id="second")
        await engine.start_in(session, flow, "coffee")
        with pytest.raises(QueueRejectedError, match="third was not started: execution first has the key") as raised:
            await engine.start_in(session, flow, "tea", id="third")
        assert raised.value.execution == "first"
        assert (await engine.start_in(session, flow, "tea", id="first")).id == "first", "the same id joins"
    assert not await exists(engine, "third")
    await first.signal(Signal("go", str), "done")
    assert await first.result() == "done"
    async with AsyncSession(database) as session, session.begin():
        await engine.start_in(session, flow, "tea", id="third")


async def test_who_asks_for_the_same_key_waits_for_the_commit(database, engine):
    """Also outside of a transaction; who asks for another one, and who is given slots, does not."""
    flow = shipping("reject")
    async with AsyncSession(database) as session:
        await engine.start_in(session, flow, "tea", id="kept")
        waiting = asyncio.create_task(engine.start(flow, "tea", id="late"))
        coffee = await engine.start(flow, "coffee", id="coffee")
        await coffee.signal(Signal("go", str), "brewed")
        assert await coffee.result() == "brewed"
        assert not waiting.done()
        await session.commit()
    with pytest.raises(QueueRejectedError, match="late was not started: execution kept has the key 'tea'"):
        await waiting
    async with AsyncSession(database) as first, AsyncSession(database) as second:
        await engine.start_in(first, flow, "milk", id="dropped")
        waiting = asyncio.create_task(engine.start_in(second, flow, "milk", id="kept-2"))
        await somebody_waits(database)
        await first.rollback()
        assert (await waiting).id == "kept-2"
        await second.commit()


async def test_a_schedule_waits_for_the_commit_as_well(database, new_postgres_store):
    flow = shipping("reject")
    schedule = Schedule("s", flow, "tea", every=3600)
    async with Engine(new_postgres_store(), schedules=[schedule]) as engine, AsyncSession(database) as session:
        await engine.start_in(session, flow, "tea", id="kept")
        waiting = asyncio.create_task(engine.trigger("s"))
        await (await engine.start(flow, "coffee")).cancel()
        assert not waiting.done()
        await session.rollback()
        assert await exists(engine, (await waiting).id)


async def test_a_dedup_key_joins_in_the_transaction(database, engine):
    flow = shipping("queue")
    async with AsyncSession(database) as session, session.begin():
        first = await engine.start_in(session, flow, "tea", deduplicate="once")
        again = await engine.start_in(session, flow, "tea", deduplicate="once")
        assert again.id == first.id
        with pytest.raises(IdempotencyError, match="It has the key 'once' in its queue"):
            await engine.start_in(session, flow, "coffee", deduplicate="once")
        with pytest.raises(DefinitionError, match="nothing is deduplicated there"):
            await engine.start_in(session, ship, "tea", deduplicate="once")
    assert (await engine.start(flow, "tea", deduplicate="once")).id == first.id


@pytest.mark.parametrize("policy", ["replace", "cancel"])
async def test_nobody_is_cancelled_in_the_transaction_of_somebody_else(database, engine, policy):
    flow = shipping(policy)
    async with AsyncSession(database) as session, session.begin():
        with pytest.raises(TransactionError, match=f"policy '{policy}'.*hold up their workers.*nothing was started"):
            await engine.start_in(session, flow, "tea", id="tea")
    assert not await exists(engine, "tea")


async def test_a_transaction_that_does_not_see_others_decides_nothing_about_them(database, engine):
    flow = shipping("reject")
    async with database.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
        async with connection.begin():
            with pytest.raises(TransactionError, match="READ COMMITTED"):
                await engine.start_in(connection, flow, "tea")
        async with connection.begin():
            handle = await engine.start_in(connection, ship, "tea")
    assert await handle.result() == "tea delivered"
