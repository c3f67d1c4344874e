"""Executions of an application of one's own, from its store: the same that the platform tells of its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from euryale.cli.errors import UsageError
from euryale.cli.loading import load_engine
from euryale.cloud.wire.deployments import LogKind
from euryale.cloud.wire.executions import (
    ExecutionDetail,
    ExecutionEventInfo,
    ExecutionInfo,
    ExecutionStatus,
    FailureInfo,
    GraphFormat,
    HistoryInfo,
    OriginInfo,
    StepInfo,
    WorkflowInfo,
)
from euryale.workflows import Engine, ExecutionEvent, ExecutionQuery, ExecutionView, Status, StepState, StepView
from euryale.workflows.definition.nodes import StepNode
from euryale.workflows.drawing import DRAWINGS
from euryale.workflows.errors import StoreLockedError
from euryale.workflows.handle import moment
from euryale.workflows.insight import Insight
from euryale.workflows.runtime.nesting import child_execution_id
from euryale.workflows.stores.memory import MemoryStore

_LOOK_EVERY: Final = 0.3
_COPIED: Final = ("id", "workflow", "version", "status", "reason", "created_at", "finished_at", "stranded")


@asynccontextmanager
async def application(reference: str, *, acting: bool) -> AsyncIterator["ApplicationExecutions"]:
    """Give an application's executions; for those who only look, also while another process owns the store.

    Nothing that is due is driven here, save what is retried: that is left to the application's own workers.

    Args:
        reference: Where its engine is; see :func:`load_engine`.
        acting: Whether executions are to be told something, or started.

    Raises:
        UsageError: If there is no engine, or nobody outside of its process can see its executions.
        StoreLockedError: If something is to be done, and another process owns the store.
        StoreError: If the store cannot be read.
    """
    engine = load_engine(reference)
    if isinstance(engine.store, MemoryStore):
        raise UsageError(
            f"--app {reference} keeps its executions in memory: those of a running application are in its own process.",
            hint="Ask that process, or use a SQLiteStore or a PostgresStore.",
        )
    async with AsyncExitStack() as opened:
        if acting:
            try:
                await engine.open(driving=False)
            except StoreLockedError as error:
                hint = "Only it can change executions; list, show, watch and graph work meanwhile."
                raise StoreLockedError(error.message, hint=hint) from error
            opened.push_async_callback(engine.close)
        yield ApplicationExecutions(await opened.enter_async_context(engine.reading()), engine)


class ApplicationWorkflows:
    """An application's workflows, as the platform's client gives the platform's; its store is not needed.

    Args:
        engine: The application's engine; it need not be open.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def workflows(self) -> list[WorkflowInfo]:
        """Return the workflows that the application knows, by name."""
        plans = [each.plan for each in self._engine.workflows()]
        return [WorkflowInfo(name=plan.name, version=plan.version, title=plan.title) for plan in plans]

    async def workflow_graph(self, name: str, form: GraphFormat) -> str:
        """Return a picture of a workflow."""
        return DRAWINGS[form](self._engine.workflow(name).plan)


class ApplicationExecutions:
    """An application's executions, as the platform's client gives the platform's.

    Args:
        insight: What can be seen of them.
        engine: Changes them; open only for those who act.
    """

    def __init__(self, insight: Insight, engine: Engine) -> None:
        self._insight = insight
        self._engine = engine

    async def executions(
        self,
        *,
        workflow: str | None = None,
        statuses: Sequence[ExecutionStatus] = (),
        limit: int = 50,
        before: str | None = None,
        queue: str | None = None,
    ) -> list[ExecutionInfo]:
        """Return the newest executions that were not called by another, newest first.

        Raises:
            UsageError: If there are none, and the application knows no workflow or no queue of that name.
        """
        last = await self._insight.get(before) if before else None
        query = ExecutionQuery(
            workflow=workflow,
            statuses=frozenset(map(Status, statuses)),
            parent_id="",
            queue=queue,
            limit=limit,
            before=None if last is None else last.cursor,
        )
        found = await self._insight.list(query)
        if not found:  # of a workflow that is not registered any more, there may be some
            _check_known("workflow", workflow, [each.name for each in self._insight.workflows()])
            _check_known("queue", queue, self._insight.queues())
        return [ExecutionInfo(**_told(view)) for view in found]

    async def execution(self, execution: str) -> ExecutionDetail:
        """Return an execution with its steps."""
        view = await self._insight.get(execution)
        attempts = self._attempts_of(view)
        steps = [_step(view, step, attempts.get(step.id, 0)) for step in view.steps]
        origin = view.origin and OriginInfo(execution=view.origin.execution, step=view.origin.step)
        return ExecutionDetail(**_told(view), steps=steps, deployment="", seq=view.seq, origin=origin)

    def _attempts_of(self, view: ExecutionView) -> dict[str, int]:
        plans = (each.plan for each in self._insight.workflows())
        nodes = (
            node
            for plan in plans
            if (plan.name, plan.version) == (view.workflow, view.version)
            for node in plan.nodes.values()
        )
        return {node.id: node.step.options.retry.max_attempts for node in nodes if isinstance(node, StepNode)}

    async def follow_execution(self, execution: str) -> AsyncIterator[ExecutionDetail | ExecutionEventInfo]:
        """Yield states and events of an execution and of those that it calls, until it has ended."""
        seen: dict[str, int] = {}
        parents = {execution: ""}
        while True:
            ended = False
            for each in reversed(list(parents)):
                if each not in seen:
                    yield await self.execution(each)
                news = await self._insight.news(each, after=seen.get(each, 0))
                seen.setdefault(each, 0)
                for event in news.events:
                    seen[each] = event.seq
                    yield _event(event, parents[each])
                ended = news.ended
            known = len(parents)
            for each in list(parents):
                detail = await self.execution(each)
                parents.update({step.child: each for step in detail.steps if step.child and step.child not in parents})
            if ended and known == len(parents):
                return
            if known == len(parents):
                await asyncio.sleep(_LOOK_EVERY)

    async def follow_log(self, deployment: str, kind: LogKind, *, tail: int | None = None) -> AsyncIterator[str]:  # noqa: ARG002 -- as the platform's
        """Yield nothing: an application of one's own has no deployments."""
        for line in tuple[str, ...]():
            yield line

    async def execution_history(self, execution: str) -> HistoryInfo:
        """Return everything that happened in an execution."""
        return HistoryInfo.model_validate((await self._insight.history(execution)).document())

    async def execution_graph(self, execution: str, form: GraphFormat) -> str:
        """Return a picture of an execution."""
        return await self._insight.graph(execution, form)

    async def cancel_execution(self, execution: str) -> bool:
        """Ask an execution to end; False if it had ended or had been asked before."""
        return await self._engine.cancel(execution)

    async def retry_execution(self, execution: str) -> str:
        """Try again to undo an execution that ended failed, or go on with a stranded one; return its id.

        Returns when what was to be undone is undone, or could not be; of one that goes on forward, when it does.
        """
        await self._engine.retry(execution)
        if (await self._insight.get(execution)).status is Status.COMPENSATING:  # its undoing had been broken off
            await self._engine.wait(execution)
        return execution

    async def fork_execution(self, execution: str, from_step: str, *, id: str | None = None) -> str:  # noqa: A002
        """Do an execution again from a step on; return the new execution's id."""
        return (await self._engine.fork(execution, from_step, id=id)).id

    async def rerun_execution(self, execution: str, *, id: str | None = None) -> str:  # noqa: A002
        """Do an execution again from its beginning; return the new execution's id."""
        return (await self._engine.rerun(execution, id=id)).id


def _check_known(what: str, name: str | None, known: Sequence[str]) -> None:
    if name is not None and name not in known:
        names = ", ".join(known) or "none"
        raise UsageError(
            f"The application knows no {what} {name!r}, and has no executions of it.", hint=f"Known: {names}."
        )


def _told(view: ExecutionView) -> dict[str, Any]:
    error = view.error
    told = {name: getattr(view, name) for name in _COPIED}
    failure = error and FailureInfo(
        code=error.error, message=error.message, hint=error.hint, step=error.step, where=error.where
    )
    return {**told, "parent": view.parent_id, "error": failure}


def _step(view: ExecutionView, step: StepView, max_attempts: int) -> StepInfo:
    calls = step.kind == "child" and step.state not in {StepState.PENDING, StepState.SKIPPED}
    return StepInfo(
        **{
            name: getattr(step, name) for name in ("id", "kind", "attempts", "undo_attempts", "started", "ended", "due")
        },
        state=step.state.value,
        undo_state=step.undo_state.value,
        max_attempts=max_attempts,
        error=step.error,
        child=child_execution_id(view.id, step.id) if calls else "",
    )


def _event(event: ExecutionEvent, parent: str) -> ExecutionEventInfo:
    return ExecutionEventInfo(
        execution=event.execution,
        parent=parent,
        name=event.name,
        at=moment(event.at),
        seq=event.seq,
        step=event.step,
        attempt=event.attempt,
        started=moment(event.started),
        due=moment(event.due),
        error=event.error,
        status=None if event.status is None else event.status.value,
    )
