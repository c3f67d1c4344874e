"""What is promised of outcomes that a person gives to steps, checked by what was said and what steps did."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from euryale.workflows.definition.nodes import StepNode
from euryale.workflows.definition.parts import node_of
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import StepResponse
from euryale.workflows.ports import Codec
from euryale.workflows.record.entry import Journal, Message
from euryale.workflows.record.execution import ExecutionRecord
from euryale.workflows.record.states import Status, StepState, UndoState
from euryale.workflows.testing.simulator.course import Trace
from euryale.workflows.testing.substitution import Part


@dataclass(frozen=True, slots=True)
class _Mark:
    message: Message
    epoch: int


class MarkWatch:
    """Keeps what was said by hand.

    Args:
        trace: Where violations are noted.
        codec: How values are written.
        plans: The plans of all workflows, by name.
    """

    def __init__(self, trace: Trace, codec: Codec, plans: Mapping[str, Plan]) -> None:
        self._trace = trace
        self._codec = codec
        self._plans = plans
        self._marks: dict[tuple[str, str, Part], _Mark] = {}
        self._heard: dict[tuple[str, str, Part], int] = {}
        self._returned: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)

    def posted(self, message: Message, epoch: int) -> None:
        """A message was kept for an execution whose owner has that epoch."""
        part: Part = "do" if message.kind == "mark" else "undo"
        if message.kind in {"mark", "undone"}:
            self._marks.setdefault((message.execution_id, message.step, part), _Mark(message, epoch))

    def heard(self, execution: str, node: str, part: Part) -> None:
        """Whoever drives the execution has confirmed a mark: what the step returns from now on does not count."""
        self._heard.setdefault((execution, node, part), len(self._returned[execution, node]))

    def has(self, execution: str, node: str, part: Part) -> bool:
        """Return whether a step was given an outcome, or said to be undone."""
        return (execution, node, part) in self._marks

    def begins(self, execution: str, node: str, part: Part, epoch: int) -> None:
        """The owner of an execution begins an attempt: whoever took over later than a mark knows of it."""
        mark = self._marks.get((execution, node, part))
        if mark is not None and (epoch > mark.epoch or (execution, node, part) in self._heard):
            what = "has its outcome" if part == "do" else "was undone"
            self._trace.violated(f"{execution}/{node} begins ({part}) though it {what} by hand")

    def returned(self, execution: str, node: str, result: Any) -> None:
        """A step has returned, whoever still wants to know."""
        output = result.output if isinstance(result, StepResponse) else result
        self._returned[execution, node].append(output)

    def violations(self, journals: Mapping[str, Journal]) -> Iterator[str]:
        """Yield what journals say otherwise than somebody did or a step returned."""
        for (execution, node, part), mark in self._marks.items():
            journal = journals[execution]
            record = ExecutionRecord(journal.entries).step(node)
            if part == "undo":
                if record.backward is UndoState.FAILED and journal.row.status is not Status.FAILED:
                    yield f"{execution}/{node} was undone by hand, and is {record.backward}"
                continue
            known = node_of(self._plans[journal.row.workflow], node)
            if record.forward is StepState.SUCCEEDED and isinstance(known, StepNode):
                external = known.step.options.completes == "externally"
                if not external and not self._was_said(mark.message, known, record.output):
                    yield f"{execution}/{node} has an outcome that neither it nor anybody gave it: {record.output!r}"

    def _was_said(self, message: Message, node: StepNode, output: bytes | None) -> bool:
        if not message.failed and message.payload == output:
            return True
        wanted = node.step.signature.output_type
        returned = self._returned[message.execution_id, message.step]
        returned = returned[: self._heard.get((message.execution_id, message.step, "do"))]
        return any(self._codec.encode(each, "an output", wanted) == output for each in returned)
