"""Taking secrets out of what is logged. Pure."""

import re
from collections.abc import Iterable

from euryale.cloud.providers.masks import looks
from euryale.kit.secret import REDACTED

_SHORTEST = 6
_LONGEST_LINE = 64 * 1024
_PUBLIC = frozenset({"development", "production", "enabled", "disabled", "default", "localhost"})


def maskable(values: Iterable[str], *, public: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the values that can be taken out of a log without making it unreadable.

    Left alone are values of fewer than six characters, numbers, common words, and those in ``public``.
    """
    known = _PUBLIC.union(public)
    return tuple(value for value in values if len(value) >= _SHORTEST and value not in known and not value.isdigit())


class Masker:
    """Replaces values in a stream of bytes that comes in pieces of any size.

    Args:
        values: What must not get through, whatever it looks like.
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form.encode() for value in values for form in {value, *maskable(looks(value))}}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first))) if forms else None
        self._kept = b""
        self._overlap = max(map(len, forms), default=1) - 1

    def feed(self, piece: bytes) -> bytes:
        """Return what can be shown of the stream so far: whole lines, or the start of an endless one."""
        self._kept += piece
        end = max(self._kept.rfind(b"\n"), self._kept.rfind(b"\r")) + 1
        if end == 0 and len(self._kept) > _LONGEST_LINE + self._overlap:
            return self._split_line()
        ready, self._kept = self._kept[:end], self._kept[end:]
        return self._mask(ready)

    def finish(self) -> bytes:
        """Return the rest."""
        ready, self._kept = self._kept, b""
        return self._mask(ready)

    def _split_line(self) -> bytes:
        # what was masked cannot be found again in the kept rest, so a value that lies across the cut is still found
        masked = self._mask(self._kept)
        cut = max(len(masked) - self._overlap, 0)
        self._kept = masked[cut:]
        return masked[:cut]

    def _mask(self, text: bytes) -> bytes:
        return self._pattern.sub(REDACTED.encode(), text) if self._pattern else text
