"""Whether an account can get to a file, and how to make one that it can."""

import os
import shutil
import stat
from pathlib import Path

from euryale.cloud.host.account import Account

_READABLE = 0o444
_RUNNABLE = 0o555
_FOR_OTHERS = 0o004


def barrier(path: Path, account: Account) -> Path | None:
    """Return the first directory on the way to ``path`` that ``account`` cannot enter, or None when it gets there."""
    resolved = path.resolve()
    for place in (*reversed(resolved.parents), resolved):
        if not place.is_dir():
            break
        if not _may_enter(place.stat(), account):
            return place
    return None


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if account.uid == 0:
        return True
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def share_file(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Make ``target`` the same file for every account to read: a hard link where that does, else a copy."""
    mode = Path(source).stat().st_mode
    if mode & _FOR_OTHERS:
        try:
            os.link(source, target)
        except OSError:
            pass  # another file system, or a file of somebody else's
        else:
            return
    shutil.copyfile(source, target)
    Path(target).chmod(_RUNNABLE if mode & stat.S_IXUSR else _READABLE)


def share_tree(source: Path, target: Path, *, without: tuple[str, ...] = ()) -> None:
    """Make ``target`` a tree like ``source`` that every account can read, without copying where links do.

    Args:
        source: A directory.
        target: What does not exist yet.
        without: Patterns of names to leave out.
    """
    ignore = shutil.ignore_patterns(*without)
    shutil.copytree(source, target, symlinks=True, copy_function=share_file, ignore=ignore)
    for directory, _, _ in os.walk(target):
        Path(directory).chmod(0o755)
