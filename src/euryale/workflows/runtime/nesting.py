"""Child executions on the way forward."""

import asyncio

from msgspec.structs import replace

from euryale.workflows.definition.nodes import CHILD_SEPARATOR, CallNode, ChildNode, DetachNode
from euryale.workflows.errors import PayloadError, PermanentFailure, QueueRejectedError
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.record.states import EntryKind, StepState
from euryale.workflows.runtime.children import Children, Outcome
from euryale.workflows.runtime.course import Course
from euryale.workflows.runtime.creation import new_row
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.lanes import Lane
from euryale.workflows.runtime.queues import decides_on_others, queued
from euryale.workflows.runtime.reporter import traced


def child_execution_id(parent: str, node: str) -> str:
    """Return the id of the execution that a node of another calls."""
    return f"{parent}{CHILD_SEPARATOR}{node}"


class Nesting:
    """Calls workflows inside of an execution, and waits for them."""

    def __init__(self, course: Course, children: Children) -> None:
        self._course = course
        self._run = course.run
        self._children = children

    async def go(self, lane: Lane, node: ChildNode) -> bool:
        """Do the child; return whether the lane goes on."""
        run, child_id = self._run, child_execution_id(self._run.row.id, node.id)
        if run.node(node.id).forward is StepState.PENDING:
            await self._course.resting.between_steps(lane)
        self._course.begun[node.id] = None
        if run.node(node.id).forward is StepState.PENDING:
            try:
                row = self._row(child_id, node)
            except Exception as error:  # noqa: BLE001 -- a transform in its input is the user's
                return self._course.fail(lane, EntryKind.STEP_FAILED, node.id, error)
            started = run.begin(node.id, 1)
            run.note(EntryKind.STEP_WAITING, node.id, attempt=1, started=started)
            await asyncio.shield(self._children.launch(row, run.commit(create=(row,))))
        while (outcome := await self._children.join(child_id)) is None:  # it rests, or another worker drives it
            if node.id in run.ended_children:  # meanwhile
                continue
            await self._course.resting.begin(lane, None)
            if node.id not in run.ended_children:
                await self._children.stirred(child_id)
            await self._course.resting.end(lane)
        return self._ended(lane, node, outcome)

    def _ended(self, lane: Lane, node: ChildNode, outcome: Outcome) -> bool:
        run, row = self._run, outcome.row
        if outcome.succeeded and row.output is not None:
            try:
                output = run.tools.codec.decode(row.output, node.workflow.plan.output_type, f"the result of {row.id}")
            except PayloadError as error:
                return self._course.fail(lane, EntryKind.STEP_FAILED, node.id, error, attempt=1)
            run.outputs[node.id] = output
            run.note(EntryKind.STEP_SUCCEEDED, node.id, attempt=1, payload=row.output)
            return True
        failure = outcome.failure or Failure("workflows.execution", f"{row.id} ended {row.status}.")
        failed = PermanentFailure(f"{node.workflow.plan.name}: {failure.text}", hint=failure.hint)
        return self._course.fail(lane, EntryKind.STEP_FAILED, node.id, failed, attempt=1)

    async def detach(self, lane: Lane, node: DetachNode) -> bool:
        """Start a workflow that is on its own from then on; return whether the lane goes on."""
        run, execution_id = self._run, child_execution_id(self._run.row.id, node.id)
        queue = node.workflow.queue
        await self._course.resting.between_steps(lane)
        try:
            row = replace(self._row(execution_id, node), root_id=execution_id, parent_id="", parent_step="")
            row = row if queue is None else queued(row, queue, run.evaluate(node.input))
        except Exception as error:  # noqa: BLE001 -- a transform in its input, and the queue's key, are the user's
            return self._course.fail(lane, EntryKind.STEP_FAILED, node.id, error)
        alone = queue is None or not decides_on_others(row, queue)
        if not alone:  # before it is noted: after a crash in between it is found under its id
            try:
                await self._children.enter(row)
            except QueueRejectedError as error:
                return self._course.fail(lane, EntryKind.STEP_FAILED, node.id, error)
        run.outputs[node.id] = execution_id
        run.note(EntryKind.STEP_SUCCEEDED, node.id, payload=run.tools.codec.encode(execution_id, "an id"))
        if alone:
            await asyncio.shield(self._children.launch(row, run.commit(create=(row,))))
        return True

    def _row(self, child_id: str, node: CallNode) -> ExecutionRow:
        run, plan = self._run, node.workflow.plan
        value = run.tools.codec.encode(run.evaluate(node.input), f"the input of {plan.name}", plan.input_type)
        row = new_row(plan, child_id, value, run.tools.now(), owner=run.row.owner, priority=run.row.priority)
        row = replace(
            row,
            root_id=run.row.root_id,
            parent_id=run.row.id,
            parent_step=node.id,
            retention=plan.retention if isinstance(node, DetachNode) else None,
            trace=run.row.trace,
        )
        return traced(run.tools.telemetry, row)
