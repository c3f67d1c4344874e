"""Schedules in the database: a tick is decided and its execution created in one transaction."""

from msgspec.structs import astuple

from euryale.workflows.record.entry import Commit, Message
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow, decide
from euryale.workflows.record.states import Status
from euryale.workflows.stores.postgres.batch import Batch
from euryale.workflows.stores.postgres.server import Connection
from euryale.workflows.stores.postgres.statements import SQL


async def fire(connection: Connection, firing: Firing) -> Fired:
    """Decide a firing; whoever asks meanwhile waits."""
    async with connection.transaction():
        await connection.execute(SQL.add_schedule, firing.schedule, firing.cadence, firing.at)
        row = ScheduleRow(*await connection.fetchrow(SQL.lock_schedule, firing.schedule))
        execution = firing.execution
        known = execution is not None and await _status(connection, execution.id) is not None
        former = await _status(connection, row.execution)
        decision = decide(row, firing, known=known, former_open=former is not None and not former.ended)
        if decision.creates and execution is not None:
            await _create(connection, Commit(execution.id, execution.epoch, create=(execution,)))
        if decision.fired.cancelled:
            await _cancel(connection, Message(decision.fired.cancelled, "cancel", "", b"null", firing.at))
        if decision.fired.row != row:
            await connection.execute(SQL.change_schedule, *astuple(decision.fired.row))
        return decision.fired


async def _status(connection: Connection, execution_id: str) -> Status | None:
    status = await connection.fetchval(SQL.read_status, execution_id)
    return None if status is None else Status(status)


async def _create(connection: Connection, commit: Commit) -> None:
    """Create an execution that nobody owns; one that somebody else has created meanwhile is the tick's as well."""
    batch = Batch()
    batch.add(0, commit)
    await connection.execute(SQL.write, (), *batch.values())


async def _cancel(connection: Connection, message: Message) -> None:
    values = (message.execution_id, message.kind, message.step, message.payload, message.at, message.failed)
    await connection.execute(SQL.post, *values, message.key)
