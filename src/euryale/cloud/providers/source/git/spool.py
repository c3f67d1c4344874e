"""The notes of pushes that were taken and not yet acted upon: files, so that they outlive the platform's process."""

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from euryale.cloud.providers.source.git.push import Note, made, parse_note
from euryale.cloud.providers.source.remotes import Push
from euryale.kit.clock import SYSTEM_CLOCK, Clock

_ID = re.compile(r"[a-z0-9_]{1,64}")
_ABANDONED_SECONDS: Final = 600.0

Refs = Callable[[str], Awaitable[Mapping[str, str]]]


class PushSpool:
    """A directory of notes: ``<id>.intent`` before git moves the refs, ``<id>.push`` after.

    Args:
        root: The directory; made when missing.
        clock: Decides when an intent counts as abandoned.
    """

    def __init__(self, root: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.root = root
        self._clock = clock
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def pending(self, refs: Refs, name: str | None = None) -> tuple[Push, ...]:
        """Return the pushes that nobody has called done, oldest first.

        Args:
            refs: Gives the refs of a repository: they tell whether the push behind a lonely intent was made.
            name: Only those of this repository.
        """
        for path in sorted(self.root.glob("*.intent")):
            note = _read(path)
            if note is None or name in {None, note.push.name}:
                await self._settle(path, note, refs)
        notes = [_read(path) for path in sorted(self.root.glob("*.push"))]
        return tuple(note.push for note in notes if note is not None and name in {None, note.push.name})

    def done(self, push_id: str) -> None:
        """Forget a push; one that is not there is forgotten already."""
        if _ID.fullmatch(push_id):
            for kind in ("intent", "push"):
                (self.root / f"{push_id}.{kind}").unlink(missing_ok=True)

    def forget(self, name: str) -> None:
        """Forget every push to a repository."""
        for path in (*self.root.glob("*.push"), *self.root.glob("*.intent")):
            note = _read(path)
            if note is not None and note.push.name == name:
                path.unlink(missing_ok=True)

    async def _settle(self, path: Path, note: Note | None, refs: Refs) -> None:
        """Turn an intent whose git has ended into a push if the refs show it, else drop it."""
        if note is not None and self._running(path, note.process):
            return
        push = made(note.push, await refs(note.push.name)) if note is not None else None
        _replace(path, note, push)

    def _running(self, path: Path, process: int) -> bool:
        try:
            written = path.stat().st_mtime
            os.kill(process, 0)
        except (FileNotFoundError, ProcessLookupError):
            return False
        except PermissionError:
            return True  # it runs, as somebody else
        # a number may have gone to another process: between the two hooks lie milliseconds
        return self._clock.timestamp() - written < _ABANDONED_SECONDS


def _read(path: Path) -> Note | None:
    try:
        return parse_note(path.read_bytes(), path.stem)
    except FileNotFoundError:
        return None


def _replace(intent: Path, note: Note | None, push: Push | None) -> None:
    """Put the push that was made of an intent, if any, into its place, unless its own hook has done so."""
    written = intent.with_suffix(".push")
    if note is not None and push is not None and not written.exists():
        zero = "0" * 40
        lines = [f"{change.before or zero} {change.after or zero} {change.ref}" for change in push.changes]
        partial = intent.with_suffix(".settled")
        partial.write_text("\n".join([push.name, str(note.process), *lines, ""]))
        partial.replace(written)
    intent.unlink(missing_ok=True)
