"""What waits on the way forward: for a completion or a signal from outside, or for a time."""

import asyncio
from collections import deque
from typing import Any, Final

from euryale.kit.clock import Alarm
from euryale.workflows.definition.nodes import SignalNode, SleepNode, StepNode
from euryale.workflows.errors import PayloadError, PermanentFailure
from euryale.workflows.record.entry import Message
from euryale.workflows.record.states import EntryKind, StepState
from euryale.workflows.runtime.course import Course
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.lanes import Lane
from euryale.workflows.runtime.marks import Marks

_Answer = asyncio.Future[Message]
_WHAT: Final = {"complete": "completion", "signal": "signal", "mark": "outcome given by hand"}
_CONSUMED: Final = frozenset({"signal", "mark"})


class Waits:
    """Hands messages to the lanes that wait for them, whichever comes first."""

    def __init__(self, course: Course, marks: Marks) -> None:
        self._course = course
        self._run = course.run
        self._marks = marks
        self._completions: dict[str, Message] = {}
        self._signals: dict[str, deque[Message]] = {}
        self._taken: set[int] = set()
        self._awaited: dict[tuple[str, str], deque[tuple[Lane, _Answer]]] = {}

    def take(self, message: Message) -> bool:
        """Take a message in; False if it is the second completion of a step, or a signal that was taken before."""
        if message.kind == "mark":
            return self._marks.take(message)
        if message.kind == "signal":
            if message.number in self._run.record.consumed or message.number in self._taken:
                return False
            self._taken.add(message.number)
        waiting = self._awaited.get((message.kind, message.step), deque())
        while waiting:
            lane, answer = waiting.popleft()
            if not answer.done():
                answer.set_result(message)
                lane.awake()
                return True
        if message.kind == "signal":
            self._signals.setdefault(message.step, deque()).append(message)
            return True
        return self._completions.setdefault(message.step, message) is message

    async def completion(self, lane: Lane, node: StepNode, started: float | None) -> bool:
        """Wait for the completion of a step that completes externally; return whether the lane goes on."""
        limit = node.step.options.external_timeout
        due = None if limit is None else (started or 0.0) + limit
        message = self._completions.get(node.id) or await self._await(lane, ("complete", node.id), due)
        message = message or self._completions.get(node.id)  # it may have come just as the time was over
        if self._course.has_turned():  # another branch failed while this one was not waiting yet
            return False
        if message is None:
            late = TimeoutError(f"no completion came within {limit:g} s")
            return self._course.fail(lane, EntryKind.STEP_TIMED_OUT, node.id, late)
        self._completions[node.id] = message
        attempt = self._run.node(node.id).attempts
        return self.answered(lane, node.id, node.step.signature.output_type, message, attempt)

    async def signal(self, lane: Lane, node: SignalNode) -> bool:
        """Wait for a signal; return whether the lane goes on."""
        record = self._run.node(node.id)
        due = record.due
        if record.forward is not StepState.WAITING:
            self._course.begun[node.id] = None
            try:
                limit = None if node.timeout is None else float(self._run.evaluate(node.timeout))
            except Exception as error:  # noqa: BLE001 -- a transform of the user's
                return self._course.fail(lane, EntryKind.STEP_FAILED, node.id, error)
            due = None if limit is None else self._run.tools.now() + limit
            self._run.note(EntryKind.STEP_WAITING, node.id, started=self._run.tools.now(), due=due)
        name = node.signal.name
        message = self._sent(name) or await self._await(lane, ("signal", name), due) or self._sent(name)
        if self._course.has_turned():
            return False
        if message is not None:
            return self.answered(lane, node.id, node.signal.type, message, 0)
        if node.default is None:
            late = TimeoutError(f"the signal {node.signal.name!r} did not come in time")
            return self._course.fail(lane, EntryKind.STEP_TIMED_OUT, node.id, late)
        return self._default(lane, node, node.default)

    def _sent(self, signal: str) -> Message | None:
        """Take the first signal of that name that was sent before somebody waited for it."""
        sent = self._signals.get(signal)
        return sent.popleft() if sent else None

    def _default(self, lane: Lane, node: SignalNode, default: Any) -> bool:
        try:
            given = self._run.evaluate(default)
            payload, value = self._run.tools.codec.keep(given, f"the default of {node.id}", node.output_type)
        except Exception as error:  # noqa: BLE001 -- a transform of the user's
            return self._course.fail(lane, EntryKind.STEP_FAILED, node.id, error)
        self._run.outputs[node.id] = value
        self._run.note(EntryKind.STEP_SUCCEEDED, node.id, payload=payload)
        return True

    async def sleep(self, lane: Lane, node: SleepNode) -> bool:
        """Wait for a time; return whether the lane goes on."""
        record = self._run.node(node.id)
        due = record.due
        if record.forward is not StepState.WAITING:
            try:
                due = self._run.tools.now() + max(0.0, float(self._run.evaluate(node.seconds)))
            except Exception as error:  # noqa: BLE001 -- a transform of the user's
                return self._course.fail(lane, EntryKind.STEP_FAILED, node.id, error)
            self._run.note(EntryKind.STEP_WAITING, node.id, started=self._run.tools.now(), due=due)
        await self._course.resting.until(lane, due)
        self._run.note(EntryKind.STEP_SUCCEEDED, node.id)
        return True

    async def _await(self, lane: Lane, key: tuple[str, str], due: float | None) -> Message | None:
        """Return the message that the lane waits for, or None if it did not come in time."""
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(key, deque()).append((lane, answer))
        try:
            await self._course.resting.begin(lane, due)
            if not self._course.has_turned():
                await self._wait_for(answer, due)
            await self._course.resting.end(lane)
        finally:
            if not answer.done():
                answer.cancel()
        return None if answer.cancelled() else answer.result()

    async def _wait_for(self, answer: _Answer, due: float | None) -> None:
        """Return when the answer is there; it is cancelled when its time is over."""
        alarm = None if due is None else Alarm(self._run.tools.clock, due, answer.cancel)
        try:
            await asyncio.wait([answer])
        finally:
            if alarm is not None:
                alarm.cancel()

    def answered(
        self, lane: Lane, node: str, wanted: Any, message: Message, attempt: int, *, undo: bytes | None = None
    ) -> bool:
        """Let a node have the outcome that a message gives it; return whether the lane goes on."""
        codec = self._run.tools.codec
        try:
            if message.failed:
                failure: Failure = codec.decode(message.payload, Failure, "an error")
                raise PermanentFailure(failure.message, hint=failure.hint)  # noqa: TRY301 -- one way to fail
            output = codec.decode(message.payload, wanted, f"the {_WHAT[message.kind]} of {node}")
        except (PermanentFailure, PayloadError) as error:
            return self._course.fail(lane, EntryKind.STEP_FAILED, node, error)
        self._run.outputs[node] = output
        consumed = message.number if message.kind in _CONSUMED else 0
        kind, payload = EntryKind.STEP_SUCCEEDED, message.payload
        self._run.note(kind, node, attempt=attempt, payload=payload, undo=undo, message=consumed)
        return True
