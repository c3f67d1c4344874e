"""What a push changed, and the notes of it that the hooks leave. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from euryale.cloud.providers.source.git.names import short_branch


@dataclass(frozen=True, slots=True)
class RefChange:
    """One ref that a push moved.

    Attributes:
        ref: Its full name, such as ``refs/heads/main``.
        before: The hash it had; ``None``: it is new.
        after: The hash it has; ``None``: it is deleted.
    """

    ref: str
    before: str | None
    after: str | None

    @property
    def branch(self) -> str | None:
        """The branch's name, or ``None`` if it is no branch."""
        return short_branch(self.ref) if self.ref.startswith("refs/heads/") else None


@dataclass(frozen=True, slots=True)
class Push:
    """A push that was taken.

    Attributes:
        name: The repository.
        changes: What it changed, in the order in which git reported it.
        id: Unique; ids sort by the time at which the push began.
    """

    name: str
    changes: tuple[RefChange, ...]
    id: str


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
