"""Workflow executions: what the platform is doing, step by step."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from euryale.cloud.api.descriptions import describe_execution
from euryale.cloud.api.drawings import PICTURES, Format, picture
from euryale.cloud.api.errors import ExecutionStateError
from euryale.cloud.api.execution_feed import ExecutionFeed
from euryale.cloud.api.stream_schema import EVENT_STREAM
from euryale.cloud.api.versioned import ANYONE_KNOWN, PREFIX
from euryale.cloud.api.views import execution_info
from euryale.cloud.modules.deployments import Deployments
from euryale.cloud.wire.executions import (
    Accepted,
    CancelAnswer,
    ExecutionDetail,
    ExecutionInfo,
    ExecutionStatus,
    ForkRequest,
    HistoryInfo,
    RerunRequest,
)
from euryale.cloud.wire.names import ExecutionId, WorkflowName
from euryale.framework.http import CursorError, EventStream, Inject, Page, Paging, PagingQuery
from euryale.workflows import Engine, ExecutionQuery, ExecutionView, Status, WorkflowError

router = APIRouter(prefix=f"{PREFIX}/executions", tags=["executions"], dependencies=[ANYONE_KNOWN])

_RETRY_SHOWS_WITHIN: Final = 2.0
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events: `state` (an ExecutionDetail) and `event` (an ExecutionEventInfo).",
        "content": {"text/event-stream": EVENT_STREAM},
    }
}

# an id may hold slashes, so that what follows it must be routed before what is the id alone
Id = Annotated[ExecutionId, Path(description="the execution's id")]


@router.get("")
async def list_executions(
    engine: Inject[Engine],
    paging: PagingQuery,
    workflow: Annotated[WorkflowName | None, Query(description="only of this workflow")] = None,
    status: Annotated[frozenset[ExecutionStatus], Query(description="only in one of these")] = frozenset(),
    parent: Annotated[ExecutionId | None, Query(description="only those that this one called")] = None,
    before: Annotated[ExecutionId | None, Query(description="only those that are listed after this one")] = None,
    queue: Annotated[WorkflowName | None, Query(description="only of this queue")] = None,
) -> Page[ExecutionInfo]:
    """List executions that were not called by another, newest first."""
    first = _position(await engine.get(before)) if before and not paging.after else _before(paging)
    query = ExecutionQuery(
        workflow=workflow,
        statuses=frozenset(map(Status, status)),
        parent_id=parent or "",
        limit=paging.fetch,
        before=first,
        queue=queue,
    )
    return Page[ExecutionInfo].of(await engine.list(query), paging, item=execution_info, key=_position)


@router.get("/{execution_id:path}/events", responses=_STREAM, response_class=Response)
async def follow_execution(execution_id: Id, engine: Inject[Engine], deployments: Inject[Deployments]) -> EventStream:
    """Follow an execution and those that it calls, from their beginning to the execution's end.

    For each execution there is first a `state`, then its `event`s, those of the past first. A client that comes back
    gets all of it again: `execution` and `seq` tell what it has seen.
    """
    await engine.get(execution_id)
    return EventStream(ExecutionFeed(engine, deployments).follow(execution_id))


@router.get("/{execution_id:path}/history")
async def tell_history(execution_id: Id, engine: Inject[Engine]) -> HistoryInfo:
    """Tell everything that happened in an execution: each attempt with input, output or error, worker and times."""
    return HistoryInfo.model_validate((await engine.history(execution_id)).document())


@router.get("/{execution_id:path}/graph", responses=PICTURES, response_class=Response)
async def draw_execution(execution_id: Id, engine: Inject[Engine], form: Format = "svg") -> Response:
    """Draw an execution's plan, coloured by what its steps are at."""
    return picture(await engine.graph(execution_id, form), form)


@router.post("/{execution_id:path}/fork", status_code=HTTPStatus.ACCEPTED)
async def fork_execution(execution_id: Id, body: ForkRequest, engine: Inject[Engine]) -> Accepted:
    """Do an execution again from a step on, in the current version; what came before is adopted, not done again."""
    try:
        forked = await engine.fork(execution_id, body.from_step, id=body.id)
    except WorkflowError as error:
        if type(error) is not WorkflowError:
            raise
        raise ExecutionStateError(error.message, hint=error.hint) from error  # no such step, or its result is undone
    return Accepted(execution=forked.id)


@router.post("/{execution_id:path}/rerun", status_code=HTTPStatus.ACCEPTED)
async def rerun_execution(execution_id: Id, body: RerunRequest, engine: Inject[Engine]) -> Accepted:
    """Do an execution again from its beginning, with the same input, in the current version."""
    return Accepted(execution=(await engine.rerun(execution_id, id=body.id)).id)


@router.post("/{execution_id:path}/cancel", status_code=HTTPStatus.ACCEPTED)
async def cancel_execution(execution_id: Id, engine: Inject[Engine]) -> CancelAnswer:
    """Ask an execution to end; what it has done is undone."""
    return CancelAnswer(accepted=await engine.cancel(execution_id))


@router.post("/{execution_id:path}/retry", status_code=HTTPStatus.ACCEPTED)
async def retry_execution(execution_id: Id, engine: Inject[Engine]) -> Accepted:
    """Try again to undo an execution that ended `failed`, because not everything could be undone."""
    view = await engine.get(execution_id)
    if view.status is not Status.FAILED:
        raise ExecutionStateError(
            f"{execution_id} is {view.status}; only what is failed can be tried again.",
            hint="What was undone is done anew by asking for it again, or by a rerun.",
        )
    try:
        async with asyncio.timeout(_RETRY_SHOWS_WITHIN):
            await engine.retry(execution_id)
    except TimeoutError:
        pass  # the engine goes on with it
    return Accepted(execution=execution_id)


@router.get("/{execution_id:path}")
async def show_execution(execution_id: Id, engine: Inject[Engine], deployments: Inject[Deployments]) -> ExecutionDetail:
    """Show an execution with its steps: their states, attempts, times, errors and the executions that they called."""
    return await describe_execution(execution_id, engine, deployments)


def _position(view: ExecutionView) -> tuple[float, str]:
    return view.created_at.timestamp(), view.id


def _before(paging: Paging) -> tuple[float, str] | None:
    match paging.after:
        case ():
            return None
        case (float() | int() as at, str(execution_id)):
            return float(at), execution_id
        case _:
            raise CursorError
