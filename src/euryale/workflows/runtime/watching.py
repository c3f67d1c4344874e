"""Watching: what has happened to an execution, then what happens, from here and from other workers."""

from collections.abc import AsyncIterator
from typing import Final

from euryale.workflows.runtime.feed import ExecutionEvent, next_event
from euryale.workflows.runtime.run import Tools, entry_event
from euryale.workflows.runtime.worker import Worker

_LOOK_EVERY: Final = 0.5


async def watch(execution_id: str, worker: Worker, tools: Tools, *, shared: bool) -> AsyncIterator[ExecutionEvent]:
    """Yield events until the execution has ended; see ``Engine.events``.

    Args:
        execution_id: Which.
        worker: The worker here; perhaps another one drives the execution.
        tools: What executions share.
        shared: Whether there are other workers: then the journal is looked at now and then.

    Raises:
        UnknownExecutionError: If there is none.
        UnknownWorkflowError: If it is stranded.
        EngineClosedError: If the engine is closed before it has ended.
    """
    queue, end = tools.feed.watch(execution_id)
    seq, within = 0, _LOOK_EVERY if shared else None
    try:
        while True:
            journal = await worker.journal(execution_id, after=seq)
            for entry in journal.entries:
                seq = entry.seq
                yield entry_event(entry, execution_id, tools.codec)
            if journal.row.status.ended:
                return
            if queue.empty() and (lacking := worker.hopeless(journal.row)):
                raise worker.stranded_error(execution_id, lacking)
            while (event := await next_event(queue, tools.clock, within)) is not None:
                if event.seq == 0 or event.seq > seq:
                    seq = max(seq, event.seq)
                    yield event
                if event.name == "execution.finished":
                    return
    finally:
        end()
