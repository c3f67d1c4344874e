"""From a journal to a history: inputs are computed again, everything else is as it was written."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from euryale.workflows.definition.expression import INPUT
from euryale.workflows.definition.nodes import CallNode, ChildNode, EachNode, HookNode, StepNode
from euryale.workflows.definition.parts import node_of
from euryale.workflows.definition.plan import Plan
from euryale.workflows.errors import PayloadError
from euryale.workflows.handle import list_nodes, moment, view_steps
from euryale.workflows.history.showing import shown
from euryale.workflows.history.values import (
    Attempt,
    AttemptOutcome,
    History,
    Moment,
    NodeHistory,
    ReceivedMessage,
    WorkerChange,
)
from euryale.workflows.ports import Codec
from euryale.workflows.record.entry import Entry, Journal
from euryale.workflows.record.execution import ExecutionRecord
from euryale.workflows.record.origin import origin_of
from euryale.workflows.record.states import EntryKind, Status
from euryale.workflows.runtime.failure import INTERRUPTED, Failure
from euryale.workflows.runtime.nesting import child_execution_id
from euryale.workflows.runtime.values import gather, output_type, undo_type

_K, _O = EntryKind, AttemptOutcome
_OUTCOMES: Final[Mapping[EntryKind, AttemptOutcome]] = {
    _K.STEP_SUCCEEDED: _O.SUCCEEDED,
    _K.STEP_WAITING: _O.WAITING,
    _K.STEP_RETRYING: _O.FAILED,
    _K.STEP_FAILED: _O.FAILED,
    _K.STEP_TIMED_OUT: _O.TIMED_OUT,
    _K.UNDO_SUCCEEDED: _O.SUCCEEDED,
    _K.UNDO_RETRYING: _O.FAILED,
    _K.UNDO_FAILED: _O.FAILED,
}
_ERRORS: Final = frozenset({_O.FAILED, _O.TIMED_OUT})
_UNDO: Final = frozenset({_K.UNDO_SUCCEEDED, _K.UNDO_RETRYING, _K.UNDO_FAILED})
_WHOLE: Final = frozenset({_K.FORKED, _K.RERUN, _K.TURNED, _K.REOPENED, _K.FINISHED})


def read_history(
    journal: Journal,
    plan: Plan | None,
    codec: Codec,
    *,
    attempting: Mapping[str, float] | None = None,
    stranded: str = "",
) -> History:
    """Return everything that happened in an execution.

    Args:
        journal: What its store knows of it.
        plan: The plan it began with; None if that is not known here: then inputs are not, and values are read as they
            are written.
        codec: How values are written.
        attempting: The nodes at which an attempt is under way in this process, with the time at which it began.
        stranded: What it lacks to go on, or an empty string.
    """
    return _Reading(journal, plan, codec, attempting or {}).history(stranded or journal.row.stranded)


class _Reading:
    """Reads one journal."""

    def __init__(self, journal: Journal, plan: Plan | None, codec: Codec, attempting: Mapping[str, float]) -> None:
        self._journal = journal
        self._plan = plan
        self._codec = codec
        self._attempting = attempting
        self._record = ExecutionRecord(journal.entries)
        self._workers = _workers(journal.entries)
        self._outputs = self._decode_outputs()
        self._entries: dict[str, list[Entry]] = {}
        for entry in journal.entries:
            if entry.step and entry.kind not in _WHOLE:
                self._entries.setdefault(entry.step, []).append(entry)

    def history(self, stranded: str) -> History:
        row = self._journal.row
        output = None if row.output is None else self._decode(row.output, self._plan and self._plan.output_type)
        return History(
            id=row.id,
            workflow=row.workflow,
            version=row.version,
            status=row.status,
            reason=row.reason,
            created_at=moment(row.created_at),
            started_at=moment(row.started_at),
            finished_at=moment(row.finished_at),
            parent_id=row.parent_id,
            parent_step=row.parent_step,
            root_id=row.root_id,
            owner=row.owner,
            trace=row.trace,
            input=shown(self._outputs.get(INPUT), self._codec),
            output=shown(output, self._codec),
            error=self._failure(row.error),
            partial=row.partial,
            stranded=stranded,
            nodes=tuple(self._nodes()),
            workers=tuple(self._worker_changes()),
            moments=tuple(map(self._moment, (each for each in self._journal.entries if each.kind in _WHOLE))),
            messages=tuple(self._messages()),
            seq=self._record.seq,
            origin=origin_of(self._journal.entries),
        )

    def _decode_outputs(self) -> dict[str, Any]:
        plan, steps = self._plan, self._record.steps
        outputs = {INPUT: self._decode(self._journal.row.input, plan and plan.input_type)}
        for node, step in steps.items():
            if step.output is not None:
                outputs[node] = self._decode(step.output, plan and output_type(plan, node))
        if plan is not None:
            outputs |= gather(plan, self._record, self._codec, outputs)
        return outputs

    def _decode(self, data: bytes, wanted: Any) -> Any:
        """Decode under an annotation, or as it is written if it does not fit that any more."""
        for each in (Any if wanted is None else wanted, Any):
            try:
                return self._codec.decode(data, each, "a value")
            except PayloadError:
                continue
        return None

    def _failure(self, payload: bytes | None) -> Failure | None:
        if payload is None:
            return None
        failure: Failure = self._codec.decode(payload, Failure, "an error")
        scrub = self._codec.scrub
        return replace(failure, message=scrub(failure.message), hint=scrub(failure.hint), trace=scrub(failure.trace))

    def _nodes(self) -> Iterator[NodeHistory]:
        """Yield the plan's nodes; without a plan, those that the journal names."""
        if self._plan is None:
            for node, step in self._record.steps.items():
                yield self._node(node, NodeHistory(node, "step", step.forward, step.backward))
            return
        views = {
            view.id: view for view in view_steps(self._journal, self._plan, self._codec, frozenset(self._attempting))
        }
        for node, kind in list_nodes(self._plan, self._record):
            view, step = views.get(node), self._record.step(node)
            states = (view.state, view.undo_state) if view else (step.forward, step.backward)
            yield self._node(node, NodeHistory(node, kind, *states))

    def _node(self, node: str, begun: NodeHistory) -> NodeHistory:
        entries = self._entries.get(node, [])
        step = self._record.step(node)
        known = node_of(self._plan, node) if self._plan else None
        forward = [each for each in entries if each.kind in _OUTCOMES and each.kind not in _UNDO]
        output = shown(self._outputs.get(node), self._codec)
        return replace(
            begun,
            attempts=tuple(self._attempts(node, forward, output)),
            undo_attempts=tuple(self._undo_attempts(node, [each for each in entries if each.kind in _UNDO])),
            output=output,
            adopted=step.adopted,
            child=self._child(node, known) if entries else "",
            ended=moment(step.ended),
        )

    def _child(self, node: str, known: Any) -> str:
        return child_execution_id(self._journal.row.id, node) if isinstance(known, CallNode) else ""

    def _attempts(self, node: str, entries: list[Entry], output: Any) -> Iterator[Attempt]:
        """Yield the attempts; one that waited is closed by the entry that ended the wait."""
        waiting: Attempt | None = None
        given = self._arguments(node)
        for entry in entries:
            attempt = self._attempt(entry, given, output)
            if entry.kind is _K.STEP_WAITING:
                waiting = attempt
            elif waiting is not None:
                yield replace(attempt, number=waiting.number, started=waiting.started)
                waiting = None
            elif attempt.outcome is _O.INTERRUPTED:
                yield replace(attempt, number=entry.attempt + 1)
            else:
                yield attempt
        if waiting is not None:
            yield waiting
        elif node in self._attempting and not self._record.step(node).ended:
            yield self._under_way(node, self._record.step(node).attempts, given)

    def _undo_attempts(self, node: str, entries: list[Entry]) -> Iterator[Attempt]:
        given = self._undo_arguments(node) if entries or node in self._attempting else None
        for entry in entries:
            yield self._attempt(entry, given, None)
        if node in self._attempting and self._record.step(node).ended:
            yield self._under_way(node, self._record.step(node).undo_attempts, given)

    def _under_way(self, node: str, before: int, given: Mapping[str, Any] | None) -> Attempt:
        started = moment(self._attempting[node])
        return Attempt(before + 1, _O.RUNNING, self._journal.row.owner, started, input=given)

    def _attempt(self, entry: Entry, given: Mapping[str, Any] | None, output: Any) -> Attempt:
        outcome = _OUTCOMES[entry.kind]
        failure = self._failure(entry.payload) if outcome in _ERRORS else None
        if failure is not None and failure.error == INTERRUPTED:
            outcome = _O.INTERRUPTED
        return Attempt(
            number=max(1, entry.attempt),
            outcome=outcome,
            worker=self._workers[entry.seq],
            started=moment(entry.started),
            ended=None if outcome is _O.WAITING else moment(entry.at),
            due=moment(entry.due),
            input=given,
            output=output if outcome is _O.SUCCEEDED else None,
            error=failure,
        )

    def _arguments(self, node: str) -> Mapping[str, Any] | None:
        """Return what a node is given; None if that is nothing, or cannot be computed."""
        known = node_of(self._plan, node) if self._plan else None
        try:
            match known:
                case StepNode() if node.endswith("]") and isinstance(outer := self._outer(node), EachNode):
                    return self._shown({known.arguments[0][0]: self._item(node, outer)})
                case StepNode():
                    return self._shown({name: value.evaluate(self._outputs) for name, value in known.arguments})
                case ChildNode() if isinstance(outer := self._outer(node), EachNode):
                    return self._shown({"input": self._item(node, outer)})
                case CallNode():
                    return self._shown({"input": known.input.evaluate(self._outputs)})
                case _:
                    return None
        except Exception:  # noqa: BLE001 -- a transform of the user's, or a value that does not fit any more
            return None

    def _outer(self, node: str) -> EachNode | HookNode | None:
        outer = self._plan.nodes.get(node.rpartition("[")[0]) if self._plan else None
        return outer if isinstance(outer, (EachNode, HookNode)) else None

    def _item(self, node: str, outer: EachNode) -> Any:
        return outer.items.evaluate(self._outputs)[int(node.rpartition("[")[2].removesuffix("]"))]

    def _undo_arguments(self, node: str) -> Mapping[str, Any] | None:
        """Return what a compensation is given: what undoes the step, and the step's own arguments that it asks for."""
        known = node_of(self._plan, node) if self._plan else None
        if self._plan is None or not isinstance(known, StepNode) or known.step.compensation is None:
            return None
        step = self._record.step(node)
        undo = self._outputs.get(node)
        if step.undo is not None:
            undo = self._decode(step.undo, undo_type(self._plan, node))
        arguments, forwarded = self._arguments(node) or {}, known.step.compensation.forwarded
        return {"undo": shown(undo, self._codec), **{name: arguments[name] for name in forwarded if name in arguments}}

    def _shown(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: shown(value, self._codec) for name, value in values.items()}

    def _worker_changes(self) -> Iterator[WorkerChange]:
        for entry in self._journal.entries:
            if entry.worker:
                yield WorkerChange(entry.worker, moment(entry.at), entry.seq)

    def _moment(self, entry: Entry) -> Moment:
        status = None
        if entry.kind is _K.FINISHED and entry.payload is not None:
            status = Status(self._codec.decode(entry.payload, str, "a status"))
        error = self._failure(entry.payload) if entry.kind is _K.TURNED else None
        return Moment(entry.seq, moment(entry.at), entry.kind.value, self._workers[entry.seq], status, error)

    def _messages(self) -> Iterator[ReceivedMessage]:
        takers = {entry.message: entry.step for entry in self._journal.entries if entry.message}
        for message in self._journal.messages:
            taken_by = takers.get(message.number, "")
            wanted = output_type(self._plan, taken_by or message.step) if self._plan else Any
            value = None if message.failed else shown(self._decode(message.payload, wanted), self._codec)
            yield ReceivedMessage(
                number=message.number,
                kind=message.kind,
                name=message.step,
                at=moment(message.at),
                value=value,
                error=self._failure(message.payload) if message.failed else None,
                taken_by=taken_by,
            )


def _workers(entries: tuple[Entry, ...]) -> dict[int, str]:
    """Return who wrote each entry, by its number; nobody's are those that were adopted from another execution."""
    workers, worker = {}, ""
    for entry in entries:
        worker = entry.worker or worker
        workers[entry.seq] = worker
    return workers
