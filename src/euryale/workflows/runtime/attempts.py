"""Steps on the way forward: attempts, retries, and what becomes of their results."""

from collections.abc import Awaitable
from typing import Any, Final

from euryale.workflows.definition.nodes import StepNode
from euryale.workflows.definition.step import LATER
from euryale.workflows.errors import UNSET, PayloadError, PermanentFailure
from euryale.workflows.record.entry import Message
from euryale.workflows.record.states import EntryKind, StepState
from euryale.workflows.runtime.context import StepContext
from euryale.workflows.runtime.course import Course
from euryale.workflows.runtime.invocation import Call, Raised, Returned, invoke
from euryale.workflows.runtime.lanes import Lane
from euryale.workflows.runtime.marks import Marks
from euryale.workflows.runtime.waits import Waits

_LONGEST_ASKED_WAIT: Final = 24 * 3600.0


class Attempts:
    """Runs steps until they succeed or give up."""

    def __init__(self, course: Course, waits: Waits, marks: Marks) -> None:
        self._course = course
        self._run = course.run
        self._waits = waits
        self._marks = marks

    def go(self, lane: Lane, node: StepNode) -> Awaitable[bool]:
        """Do a step; return whether the lane goes on."""
        return self._marks.unless_marked(lane, node, self._go, self._take_mark)

    async def _go(self, lane: Lane, node: StepNode) -> bool:
        course, run = self._course, self._run
        record = run.record.steps.get(node.id)  # None at most steps, which were never attempted before
        if record is not None and record.forward is StepState.WAITING:
            return await self._waits.completion(lane, node, record.started)
        attempt = 0 if record is None else record.attempts
        if not attempt and course.resting.draining():  # else it may have done something
            await course.resting.between_steps(lane)
        course.begun[node.id] = None
        if record is not None and record.due is not None:
            await course.resting.until(lane, record.due)
        while course.turn is None:
            if attempt and course.resting.draining():
                await course.resting.between_steps(lane)
            attempt += 1
            started = run.begin(node.id, attempt, of=node.step.name)
            outcome = await self._attempt(node, attempt)
            if isinstance(outcome, Returned):
                if node.step.options.completes == "externally":
                    return await self._returned_later(lane, node, outcome, attempt, started)
                return self._returned(lane, node, outcome, attempt, started)
            if course.has_turned() or not node.step.options.retry.allows(outcome.error, attempt):
                return self._gave_up(lane, node, outcome, attempt, started)
            await self._wait_for_retry(lane, node, outcome, attempt, started)
        return False

    async def _take_mark(self, lane: Lane, node: StepNode, mark: Message) -> bool:
        """Let a step have the outcome that a person gave it, whatever was done at it."""
        if lane.idle:
            await self._course.resting.end(lane)
        run, signature = self._run, node.step.signature
        unknown = signature.says_undo and node.id not in run.undos
        # where nobody said what there is to undo, the compensation looks for itself
        undo = self._keep_undo(node, None) if unknown and not mark.failed else None
        return self._waits.answered(lane, node.id, signature.output_type, mark, run.node(node.id).attempts, undo=undo)

    async def _attempt(self, node: StepNode, attempt: int) -> Returned | Raised:
        outcome: Returned | Raised | None = None
        try:
            call = self._call(node, attempt)
            tools = self._run.tools
            outcome = (
                call if isinstance(call, Raised) else await invoke(call, tools.resolver, tools.threads, tools.clock)
            )
            return outcome
        finally:
            self._run.end(node.id, attempt, outcome, of=node.step.name)

    def _call(self, node: StepNode, attempt: int) -> Call | Raised:
        run, step, outputs = self._run, node.step, self._run.outputs
        try:
            arguments = {name: value.evaluate(outputs) for name, value in node.arguments}
        except Exception as error:  # noqa: BLE001 -- a transform or an attribute of the user's values
            failure = PermanentFailure(f"The arguments of {node.id} cannot be computed: {error!r}")
            failure.__cause__ = error
            return Raised(failure)
        context = StepContext(run.plan.name, run.row.id, run.row.root_id, node.id, attempt)
        return Call(step.function, step.is_async, arguments, step.signature.injected, step.options.timeout, context)

    def _returned(self, lane: Lane, node: StepNode, returned: Returned, attempt: int, started: float) -> bool:
        run, undo = self._run, None
        try:
            if not returned.plain:
                undo = self._keep_undo(node, returned.undo)
            if returned.output is LATER:
                raise _nobody_answers(node)
            payload, output = self._keep_output(node, returned.output)
        except (PayloadError, PermanentFailure) as error:
            return self._did_not_keep(lane, node, returned, error, attempt=attempt, started=started, undo=undo)
        run.outputs[node.id] = output
        run.note(EntryKind.STEP_SUCCEEDED, node.id, attempt=attempt, started=started, payload=payload, undo=undo)
        return True

    async def _returned_later(
        self, lane: Lane, node: StepNode, returned: Returned, attempt: int, started: float
    ) -> bool:
        undo = None
        try:
            if not returned.plain:
                undo = self._keep_undo(node, returned.undo)
            _check_later(node, returned.output)
        except (PayloadError, PermanentFailure) as error:
            return self._did_not_keep(lane, node, returned, error, attempt=attempt, started=started, undo=undo)
        self._run.note(EntryKind.STEP_WAITING, node.id, attempt=attempt, started=started, undo=undo)
        return await self._waits.completion(lane, node, started)

    def _did_not_keep(self, lane: Lane, node: StepNode, returned: Returned, error: Exception, **details: Any) -> bool:
        """Fail a step that did its work, and whose result cannot be written."""
        self._run.undos[node.id] = returned.undo  # what undoes it is known, if only here
        return self._course.fail(lane, EntryKind.STEP_FAILED, node.id, error, **details)

    def _keep_output(self, node: StepNode, output: Any) -> tuple[bytes, Any]:
        return self._run.tools.codec.keep(output, f"the output of step {node.id!r}", node.step.signature.output_type)

    def _keep_undo(self, node: StepNode, undo: Any) -> bytes:
        """Keep what undoes the step, for now and for the journal.

        Raises:
            PayloadError: If it cannot be written; it is kept for now.
        """
        run = self._run
        run.undos[node.id] = undo
        wanted = node.step.signature.undo_type
        payload, run.undos[node.id] = run.tools.codec.keep(undo, f"what undoes step {node.id!r}", wanted)
        return payload

    async def _wait_for_retry(self, lane: Lane, node: StepNode, raised: Raised, attempt: int, started: float) -> None:
        run = self._run
        wait = node.step.options.retry.delay(attempt, random=run.tools.random())
        due = run.tools.now() + max(wait, _asked_for(raised.error))
        run.note_failure(EntryKind.STEP_RETRYING, node.id, raised.error, attempt=attempt, started=started, due=due)
        await self._course.resting.until(lane, due)
        if run.has_news:  # it was due at once
            await self._course.flush()

    def _gave_up(self, lane: Lane, node: StepNode, raised: Raised, attempt: int, started: float) -> bool:
        kind = EntryKind.STEP_TIMED_OUT if raised.timed_out else EntryKind.STEP_FAILED
        undo, failed = None, raised.error
        if isinstance(raised.error, PermanentFailure) and raised.error.undo is not UNSET:
            try:
                undo = self._keep_undo(node, raised.error.undo)
            except PayloadError as error:
                failed = PermanentFailure(f"{raised.error.message} And: {error.message}", hint=error.hint)
        return self._course.fail(lane, kind, node.id, failed, attempt=attempt, started=started, undo=undo)


def _check_later(node: StepNode, output: Any) -> None:
    """Refuse what a step that completes externally returns, unless it is nothing.

    Raises:
        PermanentFailure: If it is something.
    """
    if output is not LATER and output is not None:
        raise PermanentFailure(
            f"Step {node.id!r} completes externally, and returned {type(output).__name__}.",
            hint="Return LATER, or StepResponse(LATER, undo=...).",
        )


def _nobody_answers(node: StepNode) -> PermanentFailure:
    return PermanentFailure(
        f"Step {node.id!r} returned LATER, and nobody can complete it.",
        hint='Declare it @step(completes="externally").',
    )


def _asked_for(error: Exception) -> float:
    """Return the seconds for which an error asks by ``retry_after``, within reason."""
    asked = getattr(error, "retry_after", None)
    if isinstance(asked, (int, float)) and asked > 0:
        return min(float(asked), _LONGEST_ASKED_WAIT)
    return 0.0
