"""What executions are told from outside: completions, signals, and outcomes that a person gives by hand."""

from collections.abc import Awaitable, Callable
from typing import Any

from euryale.kit.ids import new_id
from euryale.workflows.definition.nodes import Signal, SignalNode, StepNode
from euryale.workflows.definition.parts import node_of
from euryale.workflows.definition.plan import Plan
from euryale.workflows.errors import UnknownExecutionError, UnknownSignalError, UnknownWorkflowError, WorkflowError
from euryale.workflows.record.entry import Message
from euryale.workflows.record.execution import ExecutionRecord, StepRecord
from euryale.workflows.record.states import StepState, UndoState
from euryale.workflows.runtime.failure import describe_failure
from euryale.workflows.runtime.journals import Journals
from euryale.workflows.runtime.run import Tools

Tell = Callable[[Message], Awaitable[bool]]


class Outside:
    """Makes messages of what is said, once it is known to make sense.

    Args:
        tell: Keeps a message and hands it to the execution; see :meth:`Mailbox.send`.
        journals: What is written of executions.
        tools: What executions share.
    """

    def __init__(self, tell: Tell, journals: Journals, tools: Tools) -> None:
        self._tell = tell
        self._journals = journals
        self._tools = tools

    async def complete(self, token: str, output: Any) -> bool:
        """See ``Engine.complete``."""
        node = await self._completed_by(token)
        wanted = Any if node is None else node.step.signature.output_type
        payload = self._tools.codec.encode(output, f"the completion of {token}", wanted)
        return await self._tell(_completion(token, payload, self._tools.now()))

    async def fail(self, token: str, error: Exception | str) -> bool:
        """See ``Engine.fail``."""
        await self._completed_by(token)
        return await self._tell(_completion(token, self._failure(error), self._tools.now(), failed=True))

    async def _completed_by(self, token: str) -> StepNode | None:
        """Return the node that a token is of; None if its plan is not known here.

        Raises:
            UnknownExecutionError: If it is no token.
        """
        execution_id, _, step = token.rpartition("/")
        plan = await self._journals.plan(execution_id) if execution_id else None
        if execution_id and plan is None:
            return None
        node = node_of(plan, step) if plan is not None else None
        if isinstance(node, StepNode) and node.step.options.completes == "externally":
            return node
        raise UnknownExecutionError(f"{token!r} is no token.", hint="Take it from step_context().token.")

    async def signal(self, execution_id: str, signal: Signal[Any], value: Any, key: str) -> bool:
        """See ``Engine.signal``."""
        plan = await self._journals.plan(execution_id)
        if plan is not None:
            _check_awaited(signal.name, execution_id, plan)
        payload = self._tools.codec.encode(value, f"what comes with {signal.name}", signal.type)
        key = key or new_id("signal")
        return await self._tell(Message(execution_id, "signal", signal.name, payload, self._tools.now(), key=key))

    async def mark_succeeded(self, execution_id: str, step: str, output: Any) -> bool:
        """See ``Engine.mark_succeeded``."""
        node = await self._open_step(execution_id, step)
        wanted = node.step.signature.output_type
        payload = self._tools.codec.encode(output, f"the output of {step}", wanted)
        return await self._tell(Message(execution_id, "mark", step, payload, self._tools.now()))

    async def mark_failed(self, execution_id: str, step: str, error: Exception | str) -> bool:
        """See ``Engine.mark_failed``."""
        await self._open_step(execution_id, step)
        return await self._tell(
            Message(execution_id, "mark", step, self._failure(error), self._tools.now(), failed=True)
        )

    async def mark_undone(self, execution_id: str, step: str) -> bool:
        """See ``Engine.mark_undone``."""
        _, record = await self._step(execution_id, step)
        if record.backward is UndoState.REVERTED:
            return False
        return await self._tell(Message(execution_id, "undone", step, b"null", self._tools.now()))

    async def _open_step(self, execution_id: str, step: str) -> StepNode:
        node, record = await self._step(execution_id, step)
        if record.forward is StepState.SUCCEEDED or record.forward.is_failure:
            raise WorkflowError(
                f"Step {step!r} of {execution_id} is {record.forward}: its outcome stands.",
                hint="Do it again with engine.fork(), or cancel the execution.",
            )
        return node

    async def _step(self, execution_id: str, step: str) -> tuple[StepNode, StepRecord]:
        journal = await self._journals.get(execution_id)
        plan = await self._journals.plan(execution_id)
        if plan is None:
            raise UnknownWorkflowError(
                f"The plan {journal.row.plan_hash} of {journal.row.workflow!r} is not known here.",
                hint="Give the workflow to the engine: Engine(workflows=[...]).",
            )
        node = node_of(plan, step)
        if not isinstance(node, StepNode):
            steps = ", ".join(each.id for each in plan.nodes.values() if isinstance(each, StepNode))
            raise WorkflowError(f"{plan.name!r} has no step {step!r}.", hint=f"It has {steps or 'none'}.")
        return node, ExecutionRecord(journal.entries).step(step)

    def _failure(self, error: Exception | str) -> bytes:
        raised = WorkflowError(error) if isinstance(error, str) else error
        return self._tools.codec.encode(describe_failure(raised, self._tools.codec), "an error")


def _check_awaited(signal: str, execution_id: str, plan: Plan) -> None:
    """Refuse a signal that no node of the plan ever takes; children are told by their own ids."""
    awaited = {node.signal.name for node in plan.nodes.values() if isinstance(node, SignalNode)}
    if signal not in awaited:
        raise UnknownSignalError(
            f"{execution_id} ({plan.name!r}) never waits for a signal {signal!r}.",
            hint=f"It waits for {', '.join(sorted(awaited)) or 'none'}; a child is told by its own id.",
        )


def _completion(token: str, payload: bytes, at: float, *, failed: bool = False) -> Message:
    execution_id, _, step = token.rpartition("/")
    return Message(execution_id, "complete", step, payload, at, failed=failed)
