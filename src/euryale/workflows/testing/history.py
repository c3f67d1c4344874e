"""Recorded histories: an execution's journal as a file, with all that it called, for replays against later code."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec.structs import replace

from euryale.workflows.codec import SECRET_FIELD
from euryale.workflows.definition.nodes import CHILD_SEPARATOR
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.errors import UnknownExecutionError, WorkflowError, no_execution
from euryale.workflows.ports import JournalStore, Store
from euryale.workflows.record.entry import Entry, ExecutionRow, Journal, Message
from euryale.workflows.record.states import EntryKind, Reason, Slot, Status
from euryale.workflows.requests import ExecutionQuery
from euryale.workflows.testing.simulator.places import with_called

T = TypeVar("T", Entry, ExecutionRow, Message)

FORMAT: Final = 1
REDACTED: Final = "redacted"
_MANY: Final = 100_000
_BYTES: Final = frozenset({"input", "output", "error", "payload", "undo"})
_ENUMS: Final[Mapping[str, Any]] = {"status": Status, "reason": Reason, "slot": Slot}


@dataclass(frozen=True, slots=True)
class KnownPlan:
    """A plan as it was when a history was recorded.

    Attributes:
        hash: Its fingerprint.
        plan: Its description, as ``Plan.describe`` gives it.
    """

    hash: str
    plan: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedHistory:
    """What happened in an execution and in those that it called.

    Attributes:
        root: The execution's id.
        plans: The plans that they followed, by name.
        journals: The executions, by id.
    """

    root: str
    plans: Mapping[str, KnownPlan]
    journals: Mapping[str, Journal]

    def save(self, path: Path) -> None:
        """Write it to a file, as JSON that a person can read."""
        content = {
            "format": FORMAT,
            "root": self.root,
            "plans": {name: {"hash": each.hash, "plan": each.plan} for name, each in self.plans.items()},
            "executions": [
                {
                    **_written(journal.row),
                    "entries": [_written(entry) for entry in journal.entries],
                    "messages": [_written(message) for message in journal.messages],
                }
                for journal in self.journals.values()
            ],
        }
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> "RecordedHistory":
        """Read one from a file.

        Raises:
            WorkflowError: If it is of a format that is not known.
        """
        content = json.loads(path.read_text("utf-8"))
        if content.get("format") != FORMAT:
            raise WorkflowError(f"{path.name} is no history of format {FORMAT}.", hint="Record it again.")
        journals = {}
        for each in content["executions"]:
            entries = tuple(_read(Entry, {**entry, "kind": EntryKind(entry["kind"])}) for entry in each.pop("entries"))
            messages = tuple(_read(Message, message) for message in each.pop("messages"))
            journals[each["id"]] = Journal(_read(ExecutionRow, each), entries, messages)
        plans = {name: KnownPlan(each["hash"], each["plan"]) for name, each in content["plans"].items()}
        return cls(content["root"], plans, journals)


async def record_history(
    store: Store,
    execution_id: str,
    workflow: Workflow[Any, Any],
    *,
    secrets: Literal["redacted", "encrypted"] = "redacted",
) -> RecordedHistory:
    """Read the history of an execution, and of all those that it called, from the store where it ran.

    Args:
        store: The store; open.
        execution_id: The outermost execution.
        workflow: Its workflow, as it was when it ran.
        secrets: ``redacted``: secrets are left out, and a replay makes up others. ``encrypted``: they stay as they are;
            a replay needs the key.

    Raises:
        UnknownExecutionError: If there is no such execution.
        WorkflowError: If it followed another plan than this workflow's.
    """
    root = await store.load(execution_id)
    if root is None:
        raise no_execution(execution_id)
    if root.row.plan_hash != workflow.plan.hash:
        raise WorkflowError(f"{execution_id} followed another plan than {workflow!r}.", hint="Record it with its own.")
    rows = await store.list(ExecutionQuery(prefix=f"{execution_id}{CHILD_SEPARATOR}", limit=_MANY))
    journals = [root, *[await _loaded(store, row.id) for row in sorted(rows, key=lambda row: row.id)]]
    known = with_called([workflow])
    return RecordedHistory(
        execution_id,
        {each.name: KnownPlan(each.plan.hash, each.plan.describe()) for each in known},
        {each.row.id: _cleaned(each, redact=secrets == "redacted") for each in journals},
    )


async def _loaded(store: JournalStore, execution_id: str) -> Journal:
    journal = await store.load(execution_id)
    if journal is None:
        raise UnknownExecutionError(f"{execution_id!r} was pruned meanwhile.")
    return journal


def _cleaned(journal: Journal, *, redact: bool) -> Journal:
    """Leave out what is nobody's business, or is of one machine: secrets, frames of errors, the worker's name."""

    def clean(record: T) -> T:
        changed: dict[str, Any] = {
            name: _clean_bytes(value, redact=redact)
            for name in _BYTES
            if (value := getattr(record, name, None)) is not None
        }
        return replace(record, **changed)

    row = replace(clean(journal.row), owner="", trace="")
    return Journal(row, tuple(map(clean, journal.entries)), tuple(map(clean, journal.messages)))


def _clean_bytes(data: bytes, *, redact: bool) -> bytes:
    return json.dumps(_clean_value(json.loads(data), redact=redact), ensure_ascii=False).encode()


def _clean_value(value: Any, *, redact: bool) -> Any:
    if isinstance(value, list):
        return [_clean_value(each, redact=redact) for each in value]
    if not isinstance(value, dict):
        return value
    if redact and value.keys() == {SECRET_FIELD}:
        return {SECRET_FIELD: REDACTED}
    if value.keys() == {"error", "message", "hint", "trace", "step", "where"}:
        return {**value, "trace": "", "where": ""}
    return {key: _clean_value(each, redact=redact) for key, each in value.items()}


def _written(record: Entry | ExecutionRow | Message) -> dict[str, Any]:
    """Return a record as JSON values, without what is as usual; what is encoded in it, as the values that it holds."""
    written = {}
    for each in msgspec.structs.fields(record):
        value = getattr(record, each.name)
        if value != each.default:
            written[each.name] = json.loads(value) if isinstance(value, bytes) else value
    return written


def _read(record: type[T], written: Mapping[str, Any]) -> T:
    values = dict(written)
    for name, value in written.items():
        if name in _BYTES:
            values[name] = json.dumps(value, ensure_ascii=False).encode()
        elif name in _ENUMS:
            values[name] = _ENUMS[name](value)
    return record(**values)


def describe_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
    """Yield in what one description of a plan differs from another: nodes that are gone, new, or changed."""
    old, new = dict(_nodes(before["body"])), dict(_nodes(now["body"]))
    yield from (f"{name} is gone" for name in old if name not in new)
    yield from (f"{name} is new" for name in new if name not in old)
    yield from (f"{name} was {old[name]}, is {new[name]}" for name in old if name in new and old[name] != new[name])
    kept = [name for name in old if name in new]
    if kept != [name for name in new if name in old]:
        yield "the order is another"
    for part in ("version", "result"):
        if before[part] != now[part]:
            yield f"its {part} was {before[part]}, is {now[part]}"


def _nodes(block: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    """Yield each node of a described block with what is said of it, those inside of it on their own."""
    for node in block:
        inner = [*node.get("branches", ()), *(node[side] for side in ("then", "otherwise") if side in node)]
        own = {key: value for key, value in node.items() if key not in {"branches", "then", "otherwise"}}
        inside = [[each["id"] for each in side] for side in inner]
        yield node["id"], json.dumps({**own, "inside": inside} if inner else own, sort_keys=True)
        for side in inner:
            yield from _nodes(side)
