"""Replays: a recorded history against the workflow as it is now, without calling any step."""

import asyncio
import functools
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from euryale.kit.clock import ManualClock, pause
from euryale.kit.secret import Secret
from euryale.workflows.codec import SECRET_FIELD, JsonCodec
from euryale.workflows.definition.step import LATER, Step, StepResponse
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.engine import Engine
from euryale.workflows.errors import PermanentFailure
from euryale.workflows.ports import Codec
from euryale.workflows.record.entry import Entry, Journal, Message
from euryale.workflows.record.execution import ExecutionRecord
from euryale.workflows.record.states import EntryKind, Status, StepState
from euryale.workflows.runtime.context import step_context
from euryale.workflows.runtime.failure import INTERRUPTED, Failure
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.history import REDACTED, RecordedHistory, describe_changes
from euryale.workflows.testing.simulator.places import with_called
from euryale.workflows.testing.substitution import Part, Substitution
from euryale.workflows.testing.virtual_time import NothingLeftError, run_in_virtual_time

_A_MOMENT: Final = 0.001
_DO: Final = frozenset(
    {
        EntryKind.STEP_SUCCEEDED,
        EntryKind.STEP_RETRYING,
        EntryKind.STEP_FAILED,
        EntryKind.STEP_TIMED_OUT,
        EntryKind.STEP_WAITING,
    }
)
_UNDO: Final = frozenset({EntryKind.UNDO_SUCCEEDED, EntryKind.UNDO_RETRYING, EntryKind.UNDO_FAILED})


class ReplayError(AssertionError):
    """A workflow does not do any more what a recorded history says; the text says in what it differs."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay.

    Attributes:
        plan_changes: In what the plans differ from those that were recorded; none if they are the same.
        strands: Workflows of which executions that are under way could not be gone on with: their plans are not there.
        differences: In what the executions went another way, or came to another end.
    """

    plan_changes: tuple[str, ...]
    strands: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def same_plan(self) -> bool:
        """Whether the plans are those that were recorded."""
        return not self.plan_changes

    def check(self) -> None:
        """Make sure that nothing is stranded and nothing differs.

        Raises:
            ReplayError: If it does.
        """
        told = [f"executions of {name!r} under way would be stranded" for name in self.strands]
        told += [*self.plan_changes, *self.differences]
        if told:
            hint = "Keep the former version registered beside the new one, or let its executions end before."
            raise ReplayError("\n".join([*told, hint] if self.strands else told))


def replay_history(
    history: RecordedHistory, workflow: Workflow[Any, Any], *beside: Workflow[Any, Any], codec: Codec | None = None
) -> Replay:
    """Replay a history against a workflow as it is now, in virtual time: no step's function is called.

    Each attempt ends as it was recorded, at its time, and what came from outside comes again; so what is tried is all
    the rest: the plan, predicates, transforms, types, retries, and the engine. Of one that has not ended, only the plan
    is compared.

    Args:
        history: What was recorded.
        workflow: The workflow as it is now.
        beside: Other versions of it that are registered, too.
        codec: How values are read; default: JSON, which is enough if secrets were redacted.
    """
    changes, strands = [], []
    current = {each.name: each.plan for each in with_called([workflow])}
    hashes = {each.plan.hash for each in with_called([workflow, *beside])}
    for other in beside:
        hashes.update(each.plan.hash for each in with_called([other]))
    for name, known in history.plans.items():
        plan = current.get(name)
        if plan is None:
            changes.append(f"{name}: it is not called any more")
        elif plan.hash != known.hash:
            changes.extend(f"{name}: {change}" for change in describe_changes(known.plan, plan.describe()))
        if known.hash not in hashes:
            strands.append(name)
    differences: tuple[str, ...] = ()
    if history.journals[history.root].row.status.ended:
        differences = _Replay(history, workflow, codec).run()
    return Replay(tuple(changes), tuple(strands), differences)


class _Replay:
    """One run of a recorded history."""

    def __init__(self, history: RecordedHistory, workflow: Workflow[Any, Any], codec: Codec | None) -> None:
        key = JsonCodec.new_key()
        made_up = JsonCodec(keys=(key,))
        secret = json.loads(made_up.encode(Secret("made up for a replay"), "a secret"))[SECRET_FIELD]
        self._codec = codec or made_up
        self._history = {name: _with_secret(each, secret) for name, each in history.journals.items()}
        self._root = self._history[history.root]
        self._clock = ManualClock(datetime.fromtimestamp(self._root.row.created_at, UTC))
        self._store = MemoryStore()
        self._workflow = Substitution(self._around).of(workflow)
        self._differences: list[str] = []
        self._about_to_begin: set[tuple[str, str]] = set()
        self._ends = {
            (name, step, part): deque(_ends(journal, step, kinds))
            for name, journal in self._history.items()
            for step in {entry.step for entry in journal.entries}
            for part, kinds in (("do", _DO), ("undo", _UNDO))
        }

    def run(self) -> tuple[str, ...]:
        """Return in what it differs."""
        try:
            run_in_virtual_time(self._play(), self._clock)
        except NothingLeftError:
            self._differences.append("it waits for something that never came")
        return tuple(dict.fromkeys(self._differences))

    async def _play(self) -> None:
        row = self._root.row
        engine = Engine(
            self._store,
            workflows=[self._workflow],
            services=_NoServices(),
            codec=self._codec,
            clock=self._clock,
            randomness=_NoRandom(),
            rest_after=float("inf"),
        )
        async with engine:
            value = self._codec.decode(row.input, self._workflow.plan.input_type, f"the input of {row.id}")
            await engine.start(self._workflow, value, id=row.id)
            told = [asyncio.create_task(self._tell(engine, each)) for each in self._messages()]
            status = await engine.wait(row.id)
            if status is Status.FAILED and any(each.kind is EntryKind.REOPENED for each in self._root.entries):
                await engine.retry(row.id)
            for each in told:
                each.cancel()
            await asyncio.gather(*told, return_exceptions=True)
        for journal in self._history.values():
            self._differences.extend(self._compare(journal, await self._store.load(journal.row.id)))

    def _messages(self) -> Iterator[Message]:
        for journal in self._history.values():
            yield from journal.messages

    async def _tell(self, engine: Engine, message: Message) -> None:
        await self._until(message.at)
        await engine._worker.tell(replace(message, number=0))  # noqa: SLF001 -- the very message that was recorded

    async def _until(self, at: float) -> None:
        left = at - self._clock.timestamp()
        if left > 0:
            await pause(self._clock, left)

    def _around(self, step: Step[..., Any, Any], part: Part, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what ends as it was recorded, instead of a step's function."""

        @functools.wraps(function)
        async def end(*_: Any, **__: Any) -> Any:
            context = step_context()
            known = self._ends.get((context.execution, context.step, part))
            if known:
                return await self._end(known.popleft(), step)
            return await self._end_unrecorded(context.execution, context.step, part)

        return end

    async def _end_unrecorded(self, execution: str, step: str, part: Part) -> None:
        """End an attempt that was not recorded: it may have been about to begin when the execution turned."""
        if part == "undo" and (execution, step) in self._about_to_begin:
            return
        journal = self._history.get(execution)
        turned = [each.at for each in journal.entries if each.kind is EntryKind.TURNED] if journal is not None else []
        if turned and part == "do":
            await self._until(turned[0] + _A_MOMENT)
            self._about_to_begin.add((execution, step))
            raise PermanentFailure(f"{step} was not recorded.")  # if this is why it turns, its error is another
        self._differences.append(f"{execution}: {step} is {part}ne, which was not recorded")
        raise PermanentFailure(f"{step} was not recorded.")

    async def _end(self, entry: Entry, step: Step[..., Any, Any]) -> Any:
        if entry.kind is EntryKind.STEP_TIMED_OUT or self._is_interruption(entry):
            await asyncio.get_running_loop().create_future()
        await self._until(entry.at)
        if entry.kind in {EntryKind.UNDO_SUCCEEDED, EntryKind.STEP_SUCCEEDED, EntryKind.STEP_WAITING}:
            return self._returned(entry, step)
        failure = self._failure(entry)
        if entry.kind in {EntryKind.STEP_RETRYING, EntryKind.UNDO_RETRYING}:
            raise _RecordedError(failure.message)
        raise PermanentFailure(failure.message, hint=failure.hint)

    def _returned(self, entry: Entry, step: Step[..., Any, Any]) -> Any:
        if entry.kind is EntryKind.UNDO_SUCCEEDED:
            return None
        signature, output = step.signature, LATER
        if entry.kind is EntryKind.STEP_SUCCEEDED and entry.payload is not None:
            output = self._codec.decode(entry.payload, signature.output_type, f"the output of {entry.step}")
        if entry.undo is None:
            return output
        return StepResponse(
            output, undo=self._codec.decode(entry.undo, signature.undo_type, f"what undoes {entry.step}")
        )

    def _failure(self, entry: Entry) -> Failure:
        assert entry.payload is not None  # noqa: S101 -- whatever failed says why
        failure: Failure = self._codec.decode(entry.payload, Failure, "an error")
        return failure

    def _is_interruption(self, entry: Entry) -> bool:
        return entry.kind is EntryKind.STEP_FAILED and self._failure(entry).error == INTERRUPTED

    def _compare(self, before: Journal, now: Journal | None) -> Iterator[str]:
        name = before.row.id
        if now is None:
            yield f"{name} was never begun"
            return
        if before.row.status.ended and (before.row.status, before.row.reason) != (now.row.status, now.row.reason):
            yield f"{name} was {_outcome(before)}, is {_outcome(now)}"
        if before.row.status.ended and _plain(before.row.output) != _plain(now.row.output):
            yield f"{name} returned {_plain(before.row.output)}, returns {_plain(now.row.output)}"
        if before.row.status.ended and _why(before) != _why(now):
            yield f"{name} failed: {_why(before)!r}, fails: {_why(now)!r}"
        was, is_now = ExecutionRecord(before.entries).steps, ExecutionRecord(now.entries).steps
        for step in sorted({*was, *is_now}):
            old, new = _state(was, step), _state(is_now, step)
            if old != new and (name, step) not in self._about_to_begin:
                yield f"{name}: {step} was {old}, is {new}"


class _RecordedError(Exception):
    """What a step raised when it was recorded."""


class _NoServices:
    """Gives nothing: no step's function is called."""

    def resolve(self, _wanted: Any, /) -> Any:
        return None


class _NoRandom(Random):
    """Draws the shortest wait between attempts: the next one ends as it was recorded, and when."""

    def random(self) -> float:
        return 0.0


def _ends(journal: Journal, step: str, kinds: frozenset[EntryKind]) -> Iterator[Entry]:
    """Yield how the attempts at a step ended: what follows after it began to wait did not come from its function."""
    for entry in journal.entries:
        if entry.step == step and entry.kind in kinds:
            yield entry
            if entry.kind is EntryKind.STEP_WAITING:
                return


def _state(steps: dict[str, Any], step: str) -> str:
    known = steps.get(step)
    if known is None:
        return StepState.PENDING
    return f"{known.forward}/{known.backward}"


def _outcome(journal: Journal) -> str:
    row = journal.row
    return f"{row.status} ({row.reason})" if row.reason else row.status


def _why(journal: Journal) -> str:
    return "" if journal.row.error is None else str(json.loads(journal.row.error)["message"])


def _plain(data: bytes | None) -> Any:
    """Return an encoded value without what is encrypted in it: that is another each time."""
    return None if data is None else _without_secrets(json.loads(data), "")


def _without_secrets(value: Any, instead: str) -> Any:
    if isinstance(value, list):
        return [_without_secrets(each, instead) for each in value]
    if isinstance(value, dict):
        if value.keys() == {SECRET_FIELD}:
            return {SECRET_FIELD: instead}
        return {key: _without_secrets(each, instead) for key, each in value.items()}
    return value


def _with_secret(journal: Journal, secret: str) -> Journal:
    """Put a secret where one was redacted."""

    def put(data: bytes | None) -> bytes | None:
        text = None if data is None else data.decode()
        redacted = json.dumps({SECRET_FIELD: REDACTED})
        return None if text is None else text.replace(redacted, json.dumps({SECRET_FIELD: secret})).encode()

    row = replace(journal.row, input=put(journal.row.input) or b"", output=put(journal.row.output))
    entries = tuple(replace(each, payload=put(each.payload), undo=put(each.undo)) for each in journal.entries)
    messages = tuple(replace(each, payload=put(each.payload) or b"") for each in journal.messages)
    return Journal(row, entries, messages)
