"""The notes of a push that the hooks leave. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from euryale.cloud.providers.source.remotes import Push, RefChange


@dataclass(frozen=True, slots=True)
class Note:
    """A file that a hook left.

    Attributes:
        push: What the push changed, or was about to change.
        process: The ``git receive-pack`` that ran the hook.
    """

    push: Push
    process: int


def parse_note(text: bytes, push_id: str) -> Note | None:
    """Read a note; ``None`` if it is not one."""
    name, process, *lines = [line.decode(errors="replace") for line in text.split(b"\n")] + [""] * 2
    if not process.isdigit():
        return None
    changes = tuple(_change(line) for line in lines if line.count(" ") > 1)
    return Note(Push(name, changes, push_id), int(process))


def made(push: Push, refs: Mapping[str, str]) -> Push | None:
    """Return the part of an intended push that the refs show to have been made, or ``None`` if it is no part."""
    changes = tuple(change for change in push.changes if refs.get(change.ref) == change.after)
    return Push(push.name, changes, push.id) if changes else None


def _change(line: str) -> RefChange:
    before, after, ref = line.split(" ", 2)
    return RefChange(ref, before if before.strip("0") else None, after if after.strip("0") else None)
