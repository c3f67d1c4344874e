"""The way forward: steps with their retries, choices, events, children, and what waits for an answer."""

import asyncio
from typing import Any, Final, assert_never

from euryale.workflows.definition.graph import Vertex
from euryale.workflows.definition.plan import ChildNode, ChoiceNode, StepNode
from euryale.workflows.definition.step import Step
from euryale.workflows.errors import UNSET, PayloadError, PermanentFailure
from euryale.workflows.record.entry import ExecutionRow, Message, StatusChange
from euryale.workflows.record.states import EntryKind, Reason, Status, StepState
from euryale.workflows.runtime.children import Children
from euryale.workflows.runtime.context import StepContext
from euryale.workflows.runtime.failure import Failure, describe_failure
from euryale.workflows.runtime.feed import STARTED
from euryale.workflows.runtime.invocation import Call, Raised, Returned, invoke
from euryale.workflows.runtime.lanes import Lane, Lanes
from euryale.workflows.runtime.run import Run, Turn


class Forward:
    """Drives one execution from where it stands to its end, or to its turn.

    Attributes:
        turn: Why it turned, once it has.
    """

    def __init__(self, run: Run, children: Children) -> None:
        self._run = run
        self._children = children
        self._lanes = Lanes(self._visit)
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._begun: set[str] = set()
        self.turn: Turn | None = None

    async def go(self) -> Turn | None:
        """Return when everything is done (None), or when nothing runs any more after a turn.

        Raises:
            StoreError: If something could not be written; the execution is left as the journal has it.
        """
        vertices = self._run.open_vertices()
        if self._run.row.epoch > 1:  # taken over: what may be done next may have been running
            self._begun.update(vertex.id for vertex in vertices)
        if self.turn is None:
            self.turn = self._earlier_failure(vertices)
        if self.turn is None:
            await self._lanes.run(vertices)
        if self.turn is not None:
            self._close_interrupted(self.turn)
        return self.turn

    def _earlier_failure(self, vertices: list[Vertex]) -> Turn | None:
        """Return the turn that was not written any more after a failure that was, beside another branch's result."""
        for vertex in vertices:
            record = self._run.node(vertex.id)
            if record.forward in {StepState.FAILED, StepState.TIMED_OUT} and record.error is not None:
                return Turn(Reason.ERROR, self._run.tools.codec.decode(record.error, Failure, "an error"))
        return None

    def request(self, reason: Reason, failure: Failure) -> bool:
        """Turn now, interrupting whatever runs; False, and nothing happens, if it has turned already."""
        if self.turn is not None:
            return False
        self.turn = Turn(reason, failure)
        for lane in self._lanes.all:
            lane.interrupt()
        return True

    def answer(self, message: Message) -> bool:
        """Hand over the completion of a step that completes externally; False if it has one."""
        future = self._answer_for(message.step)
        if future.done():
            return False
        future.set_result(message)
        return True

    def _answer_for(self, node: str) -> asyncio.Future[Message]:
        return self._answers.setdefault(node, asyncio.get_running_loop().create_future())

    def _close_interrupted(self, turn: Turn) -> None:
        """Say of everything that had begun and has no outcome that it may have run, so that it is undone."""
        why = "another step failed" if turn.reason is Reason.ERROR else f"the execution was ended: {turn.reason}"
        for vertex in self._run.frontier.reached.values():
            record = self._run.node(vertex.id)
            touched = vertex.id in self._begun or record.attempts > 0 or record.forward is StepState.WAITING
            if vertex.kind in {"step", "child"} and touched and record.forward in _OPEN:
                failure = Failure("workflows.interrupted", f"It was interrupted: {why}.", step=vertex.id)
                payload = self._run.encode_failure(failure)
                self._run.note(EntryKind.STEP_FAILED, vertex.id, attempt=record.attempts, payload=payload)

    async def _visit(self, lane: Lane) -> list[Vertex]:
        """Do what is to be done at the lane's vertex; return where it goes on."""
        vertex = lane.vertex
        if self.turn is not None or vertex.kind == "end":
            return []
        side = 0
        match vertex.kind:
            case "step":
                done = await self._step(lane, vertex.node)
            case "child":
                done = await self._child(lane, vertex.node)
            case "choice":
                side, done = self._choose(lane, vertex.node)
            case "emit":
                done = self._emit(lane, vertex)
            case "fork" | "join" | "end":
                raise AssertionError(vertex)  # the frontier passes through them
            case kind:
                assert_never(kind)
        if not done:
            return []
        following = self._run.frontier.complete(vertex, side)
        at_end = bool(following) and following[0].kind == "end"
        if vertex.kind in {"step", "child"} and not at_end:
            # the last result shares its commit with the outcome; a choice or an event rides with the next result
            await self._run.flush(self._change())
        return following

    def _change(self) -> StatusChange | None:
        """Return the change of status that follows from what the lanes do, if any."""
        wanted = Status.WAITING if all(lane.idle for lane in self._lanes.all) else Status.RUNNING
        return StatusChange(wanted) if wanted is not self._run.row.status else None

    def _choose(self, lane: Lane, node: ChoiceNode) -> tuple[int, bool]:
        try:
            taken = bool(self._run.evaluate(node.predicate))
        except Exception as error:  # noqa: BLE001 -- a predicate is the user's
            return 0, self._fail(lane, EntryKind.STEP_FAILED, node.id, error)
        self._run.outputs[node.id] = taken
        self._run.note(EntryKind.CHOSEN, node.id, payload=self._run.tools.codec.encode(taken, "a choice"))
        return (0 if taken else 1), True

    def _emit(self, lane: Lane, vertex: Vertex) -> bool:
        try:
            self._run.stage(vertex.id, vertex.node.event, self._run.evaluate(vertex.node.data))
        except Exception as error:  # noqa: BLE001 -- a transform in the data is the user's
            return self._fail(lane, EntryKind.STEP_FAILED, vertex.id, error)
        return True

    async def _step(self, lane: Lane, node: StepNode) -> bool:
        record = self._run.node(node.id)
        if record.forward is StepState.WAITING:
            return await self._await_answer(lane, node, record.started)
        self._begun.add(node.id)
        await self._pause(lane, record.due)
        attempt = record.attempts
        while self.turn is None:
            attempt += 1
            started = self._run.begin(STARTED, node.id, attempt)
            outcome = await self._attempt(node, attempt)
            if isinstance(outcome, Returned):
                return await self._returned(lane, node, outcome, attempt, started)
            if self._has_turned() or not node.step.options.retry.allows(outcome.error, attempt):
                return self._gave_up(lane, node, outcome, attempt, started)
            await self._wait_for_retry(lane, node, outcome, attempt, started)
        return False

    async def _attempt(self, node: StepNode, attempt: int) -> Returned | Raised:
        run, step = self._run, node.step
        try:
            arguments = {name: run.evaluate(value) for name, value in node.arguments}
        except Exception as error:  # noqa: BLE001 -- a transform or an attribute of the user's values
            failure = PermanentFailure(f"The arguments of {node.id} cannot be computed: {error!r}")
            failure.__cause__ = error
            return Raised(failure)
        context = StepContext(run.plan.name, run.row.id, run.row.root_id, node.id, attempt)
        call = Call(step.function, arguments, step.signature.injected, step.options.timeout, context)
        run.attempting.add(node.id)
        try:
            return await invoke(call, run.tools.resolver, run.tools.threads)
        finally:
            run.attempting.discard(node.id)

    def _has_turned(self) -> bool:
        return self.turn is not None

    async def _returned(self, lane: Lane, node: StepNode, returned: Returned, attempt: int, started: float) -> bool:
        step: Step[..., Any, Any] = node.step
        external = step.options.completes == "externally"
        payload, undo = None, None
        try:
            if not returned.plain:
                undo = self._keep_undo(node, returned.undo)
            if not external:
                payload = self._encode_output(node, returned.output)
        except PayloadError as error:
            # it did its work: what undoes it is known, if only here
            self._run.undos[node.id] = returned.undo
            details = {"attempt": attempt, "started": started, "undo": undo}
            return self._fail(lane, EntryKind.STEP_FAILED, node.id, error, **details)
        if external:
            return await self._await_completion(lane, node, undo, attempt, started)
        self._run.outputs[node.id] = returned.output
        self._run.note(EntryKind.STEP_SUCCEEDED, node.id, attempt=attempt, started=started, payload=payload, undo=undo)
        return True

    def _encode_output(self, node: StepNode, output: Any) -> bytes:
        return self._run.tools.codec.encode(output, f"the output of step {node.id!r}", node.step.signature.output_type)

    def _keep_undo(self, node: StepNode, undo: Any) -> bytes:
        """Keep what undoes the step, for now and for the journal.

        Raises:
            PayloadError: If it cannot be written; it is kept for now.
        """
        self._run.undos[node.id] = undo
        return self._run.tools.codec.encode(undo, f"what undoes step {node.id!r}", node.step.signature.undo_type)

    async def _await_completion(
        self, lane: Lane, node: StepNode, undo: bytes | None, attempt: int, started: float
    ) -> bool:
        self._run.note(EntryKind.STEP_WAITING, node.id, attempt=attempt, started=started, undo=undo)
        lane.idle = True
        await self._run.flush(self._change())
        if self.turn is not None:  # another branch failed while this one was not waiting yet
            return False
        return await self._await_answer(lane, node, started)

    async def _wait_for_retry(self, lane: Lane, node: StepNode, raised: Raised, attempt: int, started: float) -> None:
        run = self._run
        wait = node.step.options.retry.delay(attempt, random=run.tools.random())
        due = run.tools.now() + max(wait, _asked_for(raised.error))
        run.note_failure(EntryKind.STEP_RETRYING, node.id, raised.error, attempt=attempt, started=started, due=due)
        lane.idle = True
        await run.flush(self._change())
        await self._pause(lane, due)

    async def _pause(self, lane: Lane, due: float | None) -> None:
        if due is not None and (wait := due - self._run.tools.now()) > 0:
            lane.idle = True
            await asyncio.sleep(wait)
        lane.idle = False

    def _gave_up(self, lane: Lane, node: StepNode, raised: Raised, attempt: int, started: float) -> bool:
        kind = EntryKind.STEP_TIMED_OUT if raised.timed_out else EntryKind.STEP_FAILED
        undo, failed = None, raised.error
        if isinstance(raised.error, PermanentFailure) and raised.error.undo is not UNSET:
            try:
                undo = self._keep_undo(node, raised.error.undo)
            except PayloadError as error:
                failed = PermanentFailure(f"{raised.error.message} And: {error.message}", hint=error.hint)
        return self._fail(lane, kind, node.id, failed, attempt=attempt, started=started, undo=undo)

    def _fail(self, lane: Lane, kind: EntryKind, node: str, error: Exception, **details: Any) -> bool:
        """Record the failure and turn; lanes beside it are interrupted if they only wait or their group says so."""
        failure = self._run.note_failure(kind, node, error, **details)
        if self.turn is None:
            self.turn = Turn(Reason.ERROR, failure)
            for other in self._lanes.all:
                if other is not lane and (other.idle or self._cancels(lane.vertex, other.vertex)):
                    other.interrupt()
        return False

    def _cancels(self, failed: Vertex, beside: Vertex) -> bool:
        """Return whether the innermost group that holds both says that a failure cancels."""
        shared = [group for group in failed.groups if group in beside.groups]
        node: Any = self._run.plan.nodes[shared[-1]] if shared else None
        return node is not None and node.on_failure == "cancel"

    async def _await_answer(self, lane: Lane, node: StepNode, started: float | None) -> bool:
        limit = node.step.options.external_timeout
        lane.idle = True
        left = None if limit is None else (started or 0.0) + limit - self._run.tools.now()
        try:
            async with asyncio.timeout(left):
                message = await self._answer_for(node.id)
        except TimeoutError:
            late = TimeoutError(f"no completion came within {limit:g} s")
            return self._fail(lane, EntryKind.STEP_TIMED_OUT, node.id, late)
        finally:
            lane.idle = False
        return self._answered(lane, node, message)

    def _answered(self, lane: Lane, node: StepNode, message: Message) -> bool:
        codec = self._run.tools.codec
        try:
            if message.failed:
                failure: Failure = codec.decode(message.payload, Failure, "an error")
                raise PermanentFailure(failure.message, hint=failure.hint)  # noqa: TRY301 -- one way to fail
            output = codec.decode(message.payload, node.step.signature.output_type, f"the completion of {node.id}")
        except (PermanentFailure, PayloadError) as error:
            return self._fail(lane, EntryKind.STEP_FAILED, node.id, error)
        self._run.outputs[node.id] = output
        self._run.note(
            EntryKind.STEP_SUCCEEDED, node.id, attempt=self._run.node(node.id).attempts, payload=message.payload
        )
        return True

    async def _child(self, lane: Lane, node: ChildNode) -> bool:
        run, child_id = self._run, child_execution_id(self._run.row.id, node.id)
        self._begun.add(node.id)
        if run.node(node.id).forward is StepState.PENDING:
            try:
                row = self._child_row(child_id, node)
            except Exception as error:  # noqa: BLE001 -- a transform in its input is the user's
                return self._fail(lane, EntryKind.STEP_FAILED, node.id, error)
            started = run.begin(STARTED, node.id, 1)
            run.note(EntryKind.STEP_WAITING, node.id, attempt=1, started=started)
            await asyncio.shield(self._children.launch(row, run.commit(create=(row,))))
        outcome = await self._children.join(child_id)
        if outcome.succeeded and outcome.row.output is not None:
            output_type = node.workflow.plan.output_type
            try:
                output = run.tools.codec.decode(outcome.row.output, output_type, f"the result of {child_id}")
            except PayloadError as error:
                return self._fail(lane, EntryKind.STEP_FAILED, node.id, error, attempt=1)
            run.outputs[node.id] = output
            run.note(EntryKind.STEP_SUCCEEDED, node.id, attempt=1, payload=outcome.row.output)
            return True
        failure = outcome.failure or Failure("workflows.execution", f"{child_id} ended {outcome.row.status}.")
        failed = PermanentFailure(f"{node.workflow.plan.name}: {failure.message}", hint=failure.hint)
        return self._fail(lane, EntryKind.STEP_FAILED, node.id, failed, attempt=1)

    def _child_row(self, child_id: str, node: ChildNode) -> ExecutionRow:
        run, plan = self._run, node.workflow.plan
        now = run.tools.now()
        return ExecutionRow(
            id=child_id,
            workflow=plan.name,
            version=plan.version,
            plan_hash=plan.hash,
            status=Status.RUNNING,
            created_at=now,
            input=run.tools.codec.encode(run.evaluate(node.input), f"the input of {plan.name}", plan.input_type),
            root_id=run.row.root_id,
            parent_id=run.row.id,
            parent_step=node.id,
            owner=run.row.owner,
            deadline=None if plan.timeout is None else now + plan.timeout,
        )


CHILD_SEPARATOR: Final = "::"
"""Stands between a parent's id and the node that calls the child; so no id that a user gives may have it."""

_LONGEST_ASKED_WAIT: Final = 24 * 3600.0
_OPEN: Final = frozenset({StepState.PENDING, StepState.RUNNING, StepState.WAITING})


def _asked_for(error: Exception) -> float:
    """Return the seconds for which an error asks by ``retry_after``, within reason."""
    asked = getattr(error, "retry_after", None)
    if isinstance(asked, (int, float)) and asked > 0:
        return min(float(asked), _LONGEST_ASKED_WAIT)
    return 0.0


def child_execution_id(parent: str, node: str) -> str:
    """Return the id of the execution that a node of another calls."""
    return f"{parent}{CHILD_SEPARATOR}{node}"


def result_failure(error: Exception, run: Run) -> Turn:
    """Return the turn that follows when a workflow's result cannot be computed or written."""
    return Turn(Reason.ERROR, describe_failure(error, run.tools.codec))
