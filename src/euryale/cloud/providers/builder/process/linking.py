"""Copying trees by hard links, safely even where an untrusted account owns the tree.

Every step goes through descriptors of directories that were opened without following symbolic links, so that nobody can
lead a privileged caller out of the tree by swapping a directory meanwhile.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_ANY_WRITE = 0o222

_Place = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who gets what is made, where the caller may give it away."""

    uid: int
    gid: int

    def own(self, name: str | int, *, dir_fd: int | None = None) -> None:
        """Give a file, named or open, to this owner; nothing happens unless the caller is root."""
        if os.geteuid() != 0:
            return
        if isinstance(name, int):
            os.chown(name, self.uid, self.gid)
        else:
            os.chown(name, self.uid, self.gid, dir_fd=dir_fd, follow_symlinks=False)


def _nothing(_name: str) -> bool:
    return False


def link_tree(source: Path, target: Path, owner: Owner, *, private: Callable[[str], bool] = _nothing) -> None:
    """Make ``target`` a tree of new directories, with the same files as in ``source``.

    The files are the same ones: who may write to one of them in place changes both trees. See :func:`protect_tree`.

    Args:
        source: A directory or a file; anything but files, directories and symbolic links in it is left out.
        target: What does not exist yet.
        owner: Who gets the directories.
        private: Says of an entry of ``source``, by its name, that its files are to be copied, not linked.
    """

    def copy(name: str, from_fd: int, to_fd: int) -> None:
        _copy_file(name, from_fd, to_fd, owner)

    with _open(source.parent) as above, _open(target.parent) as to_fd:
        if not stat.S_ISDIR(_mode(source.name, above)):
            os.link(source.name, target.name, src_dir_fd=above, dst_dir_fd=to_fd, follow_symlinks=False)
            return
        with _open(source.name, dir_fd=above) as from_fd, _make_directory(target.name, to_fd, owner) as made:
            _place_level(from_fd, made, owner, lambda name: copy if private(name) else _link_file)


def protect_tree(path: Path, owner: Owner, *, private: Callable[[str], bool] = _nothing) -> None:
    """Let nobody but ``owner`` write to the files of a tree in place; its directories stay as they are.

    Only root can give files away; anybody else takes the permission to write from the files.

    Args:
        path: A directory or a file.
        owner: Who gets the files.
        private: Says of an entry of ``path``, by its name, that it is to be left alone.
    """
    with _open(path.parent) as above:
        if not stat.S_ISDIR(_mode(path.name, above)):
            _protect_file(path.name, above, owner)
            return
        with _open(path.name, dir_fd=above) as descriptor:
            _protect_level(descriptor, owner, private)


def own_tree(path: Path, owner: Owner) -> None:
    """Give a directory to ``owner``, with all that is in it."""
    if os.geteuid() == 0:
        for _, directories, files, descriptor in os.fwalk(path, follow_symlinks=False):
            for name in (*directories, *files):
                owner.own(name, dir_fd=descriptor)
            owner.own(descriptor)


def tree_size(path: Path) -> int:
    """Return how many bytes of disk the files of a tree take."""
    total = 0
    for _, _, files, descriptor in os.fwalk(path, follow_symlinks=False):
        for name in files:
            total += os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_blocks * 512
    return total


def remove_tree(path: Path) -> None:
    """Delete a directory with all that is in it; what is gone is done."""
    if not path.exists():
        return
    if os.geteuid() != 0:
        for directory, _, _ in os.walk(path):
            with contextlib.suppress(PermissionError):
                Path(directory).chmod(0o700)  # a build may have taken the right to delete from itself
    shutil.rmtree(path)


@contextlib.contextmanager
def _open(directory: str | Path, *, dir_fd: int | None = None) -> Iterator[int]:
    descriptor = os.open(directory, _DIRECTORY, dir_fd=dir_fd)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _make_directory(name: str, dir_fd: int, owner: Owner) -> Iterator[int]:
    os.mkdir(name, 0o755, dir_fd=dir_fd)
    with _open(name, dir_fd=dir_fd) as made:
        yield made
        owner.own(made)  # at the end: until then nobody else can swap what is in it


def _mode(name: str, dir_fd: int) -> int:
    return os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode


def _place_level(from_fd: int, to_fd: int, owner: Owner, choose: Callable[[str], _Place]) -> None:
    with os.scandir(from_fd) as entries:
        for entry in entries:
            name, place = entry.name, choose(entry.name)
            if entry.is_dir(follow_symlinks=False):
                with _open(name, dir_fd=from_fd) as below, _make_directory(name, to_fd, owner) as made:
                    _place_level(below, made, owner, lambda _name, place=place: place)  # type: ignore[misc]
            elif entry.is_symlink():
                _link_file(name, from_fd, to_fd)
            elif entry.is_file(follow_symlinks=False):
                place(name, from_fd, to_fd)


def _link_file(name: str, from_fd: int, to_fd: int) -> None:
    os.link(name, name, src_dir_fd=from_fd, dst_dir_fd=to_fd, follow_symlinks=False)


def _copy_file(name: str, from_fd: int, to_fd: int, owner: Owner) -> None:
    with os.fdopen(os.open(name, _READ, dir_fd=from_fd), "rb") as original:
        mode = stat.S_IMODE(os.fstat(original.fileno()).st_mode) | stat.S_IWUSR
        with os.fdopen(os.open(name, _WRITE, mode, dir_fd=to_fd), "wb") as copy:
            shutil.copyfileobj(original, copy)
            owner.own(copy.fileno())


def _protect_level(dir_fd: int, owner: Owner, private: Callable[[str], bool]) -> None:
    with os.scandir(dir_fd) as entries:
        for entry in entries:
            if private(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                with _open(entry.name, dir_fd=dir_fd) as below:
                    _protect_level(below, owner, _nothing)
            elif entry.is_file(follow_symlinks=False):
                _protect_file(entry.name, dir_fd, owner)


def _protect_file(name: str, dir_fd: int, owner: Owner) -> None:
    if os.geteuid() == 0:
        owner.own(name, dir_fd=dir_fd)
    else:
        os.chmod(name, stat.S_IMODE(_mode(name, dir_fd)) & ~_ANY_WRITE, dir_fd=dir_fd)
