"""Watching: what has happened to an execution, then what happens, from here and from other workers."""

from collections.abc import AsyncIterator
from typing import Final

from euryale.workflows.runtime.feed import ExecutionEvent, next_event
from euryale.workflows.runtime.journals import Journals
from euryale.workflows.runtime.run import Tools, entry_event
from euryale.workflows.runtime.stranding import Stranding

_LOOK_EVERY: Final = 0.5


async def watch(
    execution_id: str, journals: Journals, stranding: Stranding, tools: Tools
) -> AsyncIterator[ExecutionEvent]:
    """Yield events until the execution has ended; see ``Engine.events``.

    Args:
        execution_id: Which.
        journals: What is written of it; if other workers write there, it is looked at now and then.
        stranding: What it may lack.
        tools: What executions share.

    Raises:
        UnknownExecutionError: If there is none.
        UnknownWorkflowError: If it is stranded.
        EngineClosedError: If the engine is closed before it has ended.
    """
    queue, end = tools.feed.watch(execution_id)
    seq, within = 0, _LOOK_EVERY if journals.shared else None
    try:
        while True:
            journal = await journals.get(execution_id, after=seq)
            for entry in journal.entries:
                seq = entry.seq
                yield entry_event(entry, execution_id, tools.codec)
            if journal.row.status.ended:
                return
            if queue.empty() and (lacking := stranding.hopeless(journal.row)):
                raise stranding.error(execution_id, lacking)
            while (event := await next_event(queue, tools.clock, within)) is not None:
                if event.seq == 0 or event.seq > seq:
                    seq = max(seq, event.seq)
                    yield event
                if event.name == "execution.finished":
                    return
    finally:
        end()
