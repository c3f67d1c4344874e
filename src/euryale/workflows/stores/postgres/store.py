"""The store of many workers on PostgreSQL."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import astuple
from itertools import count
from typing import Any, TypeVar, get_args

from euryale.kit.clock import SYSTEM_CLOCK, pause
from euryale.kit.ids import new_id
from euryale.kit.secret import Secret
from euryale.workflows.definition.checks import refusal
from euryale.workflows.errors import DefinitionError
from euryale.workflows.ports import Listener, Reader
from euryale.workflows.record.entry import Commit, ExecutionRow, Journal, Message, StagedEvent
from euryale.workflows.record.queueing import QueueLimits
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow
from euryale.workflows.record.states import Status
from euryale.workflows.requests import Claim, Claimed, Entered, Entrance, ExecutionQuery, Standing, Told
from euryale.workflows.stores.postgres import rows, schedules, transactions
from euryale.workflows.stores.postgres.batch import Values, split
from euryale.workflows.stores.postgres.lone import lone
from euryale.workflows.stores.postgres.notices import Ear, pack
from euryale.workflows.stores.postgres.schema import migrate
from euryale.workflows.stores.postgres.server import Connection, Durability, Server
from euryale.workflows.stores.postgres.sessions import Sessions
from euryale.workflows.stores.postgres.statements import SQL

T = TypeVar("T")

_BY_INDEX = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""Every statement of work looks few rows up by an index. So each is planned once, and its plan, made while tables were
small, is right when they are large."""
_AS_ASKED = {"plan_cache_mode": "force_custom_plan"}
_DESK_SIZE = 3
_BUSY_FOR = 0.05
_EVENTS_HELD_FOR = 60.0


class PostgresStore:
    """Keeps executions in a schema of a PostgreSQL database (14 or later), which any number of processes share.

    Args:
        url: ``postgresql://user:password@host:port/database``. A pooler in between must keep sessions apart.
        schema: Where everything is kept; made when the store is opened first.
        durability: ``full`` (default): what was written survives a power cut. ``process``: it survives a kill of any
            process of ours, but the last moments before the server itself crashes may be lost.

    Raises:
        DefinitionError: If that is no URL, or there is no such durability.
    """

    shared = True
    instant = False

    def __init__(self, url: str, *, schema: str = "euryale", durability: Durability = "full") -> None:
        if not isinstance(url, str):  # which is not told: there may be a password in it
            raise DefinitionError(
                f"PostgresStore: url is a {type(url).__name__}.",
                hint='Write PostgresStore("postgresql://user:password@host/database").',
            )
        if durability not in get_args(Durability):
            raise refusal("PostgresStore: durability", durability, "one of full, process")
        self._server = Server(Secret(url), schema, durability, new_id("store"))
        self._writer = Sessions(self._server, "writer", settings=_BY_INDEX)
        self._desk = Sessions(self._server, "desk", size=_DESK_SIZE, settings=_BY_INDEX)
        self._claims = Sessions(self._server, "claims", settings=_BY_INDEX)
        self._archive = Sessions(self._server, "archive", settings=_AS_ASKED)
        self._voice = Sessions(self._server, "voice", settings={**_BY_INDEX, "synchronous_commit": "off"})
        self._voice_process = 0
        self._ear = Ear(self._server, lambda process: process == self._voice_process)
        self._owners: set[str] = set()
        self._numbers = count(1)
        self._lost_claims: set[tuple[str, int]] = set()

    def __repr__(self) -> str:
        return f"PostgresStore({self._server.name!r}, schema={self._server.schema!r})"

    @property
    def _sessions(self) -> tuple[Sessions, ...]:
        return (self._writer, self._desk, self._claims, self._archive, self._voice)

    async def open(self) -> None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        self._server.check()
        await migrate(self._server)
        await self._ear.open()
        for each in self._sessions:
            each.open()

    async def close(self) -> None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        await self._ear.close()
        for each in self._sessions:
            await each.close()
        await self._server.settle()

    async def write(self, commits: Sequence[Commit]) -> frozenset[int]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        statement = lone(commits[0]) if len(commits) == 1 else None
        if statement and await self._writer.run(lambda connection: connection.fetchval(*statement)) is not None:
            return frozenset()
        owners = tuple(self._owners)
        batches = [batch.values() for batch in split(commits)]

        async def send(connection: Connection) -> list[int]:
            if len(batches) == 1:
                return await _send(connection, owners, batches[0])
            async with connection.transaction():
                return [at for each in batches for at in await _send(connection, owners, each)]

        return frozenset(await self._writer.run(send))

    def write_at_once(self, commits: Sequence[Commit]) -> None:
        """See :class:`~euryale.workflows.ports.JournalStore`. The server is always waited for."""

    async def load(self, execution_id: str, *, after: int = 0) -> Journal | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        row = await self._desk.run(lambda connection: connection.fetchrow(SQL.load, (execution_id,), after))
        return None if row is None else rows.journal(row)

    async def load_all(self, execution_ids: Sequence[str]) -> tuple[Journal, ...]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        found = await self._desk.run(lambda connection: connection.fetch(SQL.load, execution_ids, 0))
        return tuple(map(rows.journal, found))

    async def claim(self, claim: Claim) -> Claimed:
        """See :class:`~euryale.workflows.ports.JournalStore`.

        A worker that is not enlisted gets none: nobody would take over from it. If the answer is lost, the next claim
        gives what this one took, too.
        """
        number = next(self._numbers)
        lost = {each for owner, each in self._lost_claims if owner == claim.owner}
        values = (claim.owner, claim.now, claim.limit, tuple(claim.plans), number, tuple(lost), tuple(claim.apart))
        self._lost_claims.add((claim.owner, number))
        found = await self._claims.run(lambda connection: connection.fetch(SQL.claim, *values))
        self._lost_claims.difference_update((claim.owner, each) for each in (number, *lost))
        taken = tuple(rows.execution(row[1:]) for row in map(tuple, found) if row[1] is not None)
        return Claimed(taken, found[0][0])

    async def claim_queued(self, claim: Claim, queues: Sequence[QueueLimits]) -> Claimed:
        """See :class:`~euryale.workflows.ports.JournalStore`.

        A queue is locked only if something is due there. If the answer is lost, the next :meth:`claim` gives what this
        one took.
        """
        plans, number = tuple(claim.plans), next(self._numbers)
        lost = (claim.owner, number)

        async def take(connection: Connection) -> tuple[list[Any], list[float]]:
            names, apart = [each.name for each in queues], [each.name in claim.apart for each in queues]
            due = await connection.fetch(SQL.queues_due, names, claim.now, plans, apart)
            left, dues = claim.limit, [later for _, _, later in due if later is not None]
            for at, is_due, _ in due:
                if not is_due or left <= 0:
                    continue
                self._lost_claims.add(lost)
                values = (claim.owner, claim.now, left, plans, number, astuple(queues[at - 1]))
                taken, by_rate = await connection.fetchrow(SQL.claim_queued, *values)
                left -= taken
                dues += [] if by_rate is None else [by_rate]
            if left == claim.limit:
                return [], dues
            return await connection.fetch(SQL.load_claim, *lost), [*dues, *([claim.now] if left <= 0 else [])]

        found, dues = await self._claims.run(take)
        self._lost_claims.discard(lost)
        return Claimed(tuple(map(rows.execution, found)), min(dues, default=None))

    async def enter(self, entrance: Entrance) -> Entered:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        return await self._when_free(lambda connection: schedules.enter(connection, entrance))

    async def _when_free(self, work: Callable[[Connection], Awaitable[T | None]]) -> T:
        """Do what gives None as long as somebody's open transaction decides by the same key in a queue."""
        while (done := await self._desk.run(work)) is None:
            await pause(SYSTEM_CLOCK, _BUSY_FOR)
        return done

    async def make_due(self, now: float, limit: int) -> int:
        """See :class:`~euryale.workflows.ports.JournalStore`. Whoever claims or tells meanwhile is passed over."""
        made: int = await self._desk.run(lambda connection: connection.fetchval(SQL.make_due, now, limit))
        return made

    async def reclaim(self, execution_id: str, owner: str) -> ExecutionRow | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""

        async def take(connection: Connection) -> Any:
            row = await connection.fetchrow(SQL.reclaim, execution_id, owner)
            return row or await connection.fetchrow(SQL.load_execution, execution_id)

        row = await self._claims.run(take)
        return None if row is None else rows.execution(row)

    async def post(self, message: Message) -> Told | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        values = (message.execution_id, message.kind, message.step, message.payload, message.at, message.failed)
        told = await self._desk.run(lambda connection: connection.fetchrow(SQL.post, *values, message.key))
        return None if told["status"] is None else Told(told["number"] or 0, Status(told["status"]), told["owner"])

    async def enlist(self, owner: str, lease: float) -> None:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        store = self._server.store
        await self._desk.run(lambda connection: connection.execute(SQL.enlist, owner, store, lease))
        self._owners.add(owner)

    async def renew(self, owner: str, lease: float) -> bool:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        alive = await self._desk.run(lambda connection: connection.fetchval(SQL.renew, owner, lease)) is not None
        if not alive:
            self._owners.discard(owner)
        return alive

    async def retire(self, owner: str) -> None:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        await self._desk.run(lambda connection: connection.execute(SQL.retire, owner))
        self._owners.discard(owner)

    async def reap(self) -> tuple[str, ...]:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        dead = await self._desk.run(lambda connection: connection.fetch(SQL.reap, self._server.store))
        return tuple(owner for (owner,) in dead)

    async def told(self, owner: str) -> dict[str, int]:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        return dict(await self._desk.run(lambda connection: connection.fetch(SQL.told, owner)))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        return self._ear.add(listener)

    async def announce(self, notices: Collection[str]) -> None:
        """See :class:`~euryale.workflows.ports.FleetStore`."""

        async def tell(connection: Connection) -> None:
            self._voice_process = connection.get_server_pid()
            await connection.execute(SQL.announce, self._server.schema, pack(notices))

        await self._voice.run(tell)

    async def register(self, name: str, cadence: str, now: float) -> ScheduleRow:
        """See :class:`~euryale.workflows.ports.ScheduleStore`."""
        values = (name, cadence, now)
        return ScheduleRow(*await self._desk.run(lambda connection: connection.fetchrow(SQL.register, *values)))

    async def fire(self, firing: Firing) -> Fired:
        """See :class:`~euryale.workflows.ports.ScheduleStore`."""
        return await self._when_free(lambda connection: schedules.fire(connection, firing))

    async def scheduled(self) -> tuple[ScheduleRow, ...]:
        """See :class:`~euryale.workflows.ports.ScheduleStore`."""
        found = await self._desk.run(lambda connection: connection.fetch(SQL.scheduled))
        return tuple(ScheduleRow(*row) for row in found)

    async def create_in(self, session: object, row: ExecutionRow, limit: int | None = None) -> Standing | None:
        """See :class:`~euryale.workflows.ports.TransactionStore`.

        Args:
            session: SQLAlchemy's ``AsyncSession`` or ``AsyncConnection``, or its ``Session`` or ``Connection`` (they
                are used in a thread); or a connection of asyncpg that is in a transaction.
            row: The execution.
            limit: As many as this may have its key in its queue.

        Raises:
            Exception: What the session raises, as it is.
        """
        place = await self._desk.run(lambda connection: connection.fetchval(SQL.place))
        return await transactions.create_in(session, self._server, place, row, limit)

    async def released(self, limit: int) -> tuple[StagedEvent, ...]:
        """See :class:`~euryale.workflows.ports.OutboxStore`.

        Events that one store was given are given to no other for a minute, as long as its worker lives: usually only
        one relay delivers an event.
        """
        values = (self._server.store, limit, _EVENTS_HELD_FOR)
        found = await self._voice.run(lambda connection: connection.fetch(SQL.released, *values))
        return tuple(map(rows.event, found))

    async def delivered(self, event_ids: Sequence[str]) -> None:
        """See :class:`~euryale.workflows.ports.OutboxStore`.

        This is not waited for to be on disk: should it be lost, they are delivered once more, as they may be.
        """
        await self._voice.run(lambda connection: connection.execute(SQL.delivered, tuple(event_ids)))

    async def list(self, query: ExecutionQuery) -> tuple[ExecutionRow, ...]:
        """See :class:`~euryale.workflows.ports.InsightStore`."""
        return await _list(self._archive, query)

    def reader(self) -> Reader:
        """See :class:`~euryale.workflows.ports.InsightStore`."""
        return _PostgresReader(self._server)

    async def prune(self, now: float, limit: int) -> int:
        """See :class:`~euryale.workflows.ports.InsightStore`."""
        pruned: int = await self._archive.run(lambda connection: connection.fetchval(SQL.prune, now, limit))
        return pruned


class _PostgresReader:
    """Reads what is there, and makes no schema."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._archive = Sessions(server, "reader", settings={**_AS_ASKED, "default_transaction_read_only": "on"})

    async def open(self) -> None:
        self._server.check()
        self._archive.open()

    async def close(self) -> None:
        await self._archive.close()

    async def load(self, execution_id: str, *, after: int = 0) -> Journal | None:
        row = await self._archive.run(lambda connection: connection.fetchrow(SQL.load, (execution_id,), after))
        return None if row is None else rows.journal(row)

    async def list(self, query: ExecutionQuery) -> tuple[ExecutionRow, ...]:
        return await _list(self._archive, query)


async def _list(sessions: Sessions, query: ExecutionQuery) -> tuple[ExecutionRow, ...]:
    before_at, before_id = query.before or (None, None)
    values = (
        query.workflow,
        tuple(query.statuses),
        query.parent_id,
        query.prefix,
        before_at,
        before_id,
        query.limit,
        query.queue,
    )
    found = await sessions.run(lambda connection: connection.fetch(SQL.list, *values))
    return tuple(map(rows.execution, found))


async def _send(connection: Connection, owners: Sequence[str], batch: Values) -> list[int]:
    """Write a batch; return the positions of the commits that were refused."""
    fences, entries, *others = batch
    if others[0] is None and fences and await connection.fetchval(SQL.append, owners, fences, entries) == len(fences):
        return []
    refused: list[int] = await connection.fetchval(SQL.write, owners, *batch)
    return refused
