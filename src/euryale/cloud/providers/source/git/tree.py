"""The listing of a commit's tree, and which of its symbolic links lead out of it. Pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

_REGULAR = frozenset({"100644", "100755", "100664"})
_LINK = "120000"
_MOST_LINKS_FOLLOWED = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a commit.

    Attributes:
        mode: As git writes it: ``100644``, ``100755``, ``120000`` (a link) or ``160000`` (a submodule).
        object: The hash of its content.
        size: Bytes; 0 for a submodule.
        path: Relative, with slashes.
    """

    mode: str
    object: str
    size: int
    path: bytes

    @property
    def regular(self) -> bool:
        """Whether it is a file, executable or not."""
        return self.mode in _REGULAR

    @property
    def link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == _LINK


def parse_listing(output: bytes) -> list[Entry]:
    """Read what ``git ls-tree -r -l -z`` wrote."""
    entries = []
    for record in output.split(b"\0"):
        if record:
            head, _, path = record.partition(b"\t")
            mode, _, name, size = head.decode("ascii").split()
            entries.append(Entry(mode, name, int(size) if size.isdigit() else 0, path))
    return entries


def leads_out(link: bytes, links: Mapping[bytes, bytes]) -> bool:
    """Return whether a link of a tree may lead out of that tree.

    It is followed as the system would, through the tree's other links too: ``up/../..`` is judged by where ``up``
    leads. Absolute targets, and chains that do not end, count as leading out.

    Args:
        link: The path of the link.
        links: Every link of the tree and its target.
    """
    here: list[bytes] = []
    ahead = deque(link.split(b"/"))
    followed = 0
    while ahead:
        part = ahead.popleft()
        if part in {b"", b"."}:
            continue
        if part == b"..":
            if not here:
                return True
            here.pop()
            continue
        here.append(part)
        if (target := links.get(b"/".join(here))) is None:
            continue
        followed += 1
        if target.startswith(b"/") or followed > _MOST_LINKS_FOLLOWED:
            return True
        here.pop()
        ahead.extendleft(reversed(target.split(b"/")))
    return False
