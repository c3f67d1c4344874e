"""Processes as the Linux kernel shows them: who is who for certain, and who descends from whom.

A process is told apart by its id, its start in clock ticks since the boot, and the boot: unlike a creation time since
the epoch, that does not move when the machine's clock is set. Imports next to nothing: every instance pays for it.
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_BOOT_ID = _PROC / "sys/kernel/random/boot_id"
_AFTER_NAME = 2
_DELETED = " (deleted)"
_LISTEN = "0A"
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Identity(NamedTuple):
    """A process for certain, across the reuse of process ids and the machine's restart.

    Attributes:
        pid: The process id.
        ticks: When the kernel made it, in clock ticks since the boot.
        boot: Which boot that was.
    """

    pid: int
    ticks: int
    boot: str

    def alive(self) -> bool:
        """Return whether that very process still runs."""
        row = _row(self.pid)
        return row is not None and row.state != "Z" and row.ticks == self.ticks and self.boot == boot_id()


class Row(NamedTuple):
    """One line of the process table.

    Attributes:
        pid: The process id.
        name: The program's name, of which the kernel keeps 15 characters.
        state: One letter; Z has ended and waits to be collected.
        parent: The parent's process id.
        group: The process group's id.
        session: The session's id.
        ticks: When it was made, in clock ticks since the boot.
        memory: Bytes it has in memory.
    """

    pid: int
    name: str
    state: str
    parent: int
    group: int
    session: int
    ticks: int
    memory: int

    @property
    def identity(self) -> Identity:
        """Which process it is, for certain."""
        return Identity(self.pid, self.ticks, boot_id())


def boot_id() -> str:
    """Return what names this boot of the machine."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def identify(pid: int) -> Identity | None:
    """Return the identity of the process that has ``pid`` now."""
    row = _row(pid)
    return None if row is None else row.identity


def processes() -> list[Row]:
    """Return the process table without those that have ended."""
    rows = (_row(int(name)) for name in os.listdir(_PROC) if name.isdigit())  # noqa: PTH208 -- half the time of iterdir
    return [row for row in rows if row is not None and row.state not in {"Z", "X"}]


def descendants(pid: int) -> list[Row]:
    """Return the children of ``pid``, their children, and so on."""
    children: dict[int, list[Row]] = {}
    for row in processes():
        children.setdefault(row.parent, []).append(row)
    found: list[Row] = []
    parents = [pid]
    while parents:
        below = children.get(parents.pop(), [])
        found.extend(below)
        parents.extend(row.pid for row in below)
    return found


def carries(pid: int, variable: bytes) -> bool:
    """Return whether ``pid`` was started with ``variable`` (``NAME=value``) in its environment."""
    try:
        return variable in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def words(pid: int) -> list[str]:
    """Return what ``pid`` was called with; nothing if it has ended, or belongs to somebody else."""
    try:
        line = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(word) for word in line.removesuffix(b"\0").split(b"\0")] if line else []


def directory(pid: int) -> Path | None:
    """Return the directory that ``pid`` works in; None if it has ended, or belongs to somebody else."""
    try:
        target = (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None
    return Path(str(target).removesuffix(_DELETED))


def owner(pid: int) -> int | None:
    """Return the id of the user that ``pid`` runs as."""
    try:
        return (_PROC / str(pid)).stat().st_uid
    except OSError:
        return None


def listens(pids: Iterable[int], port: int) -> bool:
    """Return whether one of the processes listens on a TCP port."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    return any(_open_files(pid) & sockets for pid in pids) if sockets else False


def _listening(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on ``port``."""
    wanted = f":{port:04X}"
    found: set[str] = set()
    for table in ("net/tcp", "net/tcp6"):
        with contextlib.suppress(OSError):  # there may be no IPv6
            for line in (_PROC / table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[1].endswith(wanted) and fields[3] == _LISTEN:
                    found.add(fields[9])
    return found


def _open_files(pid: int) -> set[str]:
    found: set[str] = set()
    with contextlib.suppress(OSError):
        for entry in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(entry.readlink()))
    return found


def _row(pid: int) -> Row | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    end = text.rindex(")")  # a program may have blanks and brackets in its name
    fields = text[end + _AFTER_NAME :].split()
    return Row(
        pid=pid,
        name=text[text.index("(") + 1 : end],
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        ticks=int(fields[19]),
        memory=int(fields[21]) * _PAGE,
    )
