"""Where a file system places a new directory."""

import contextlib
import fcntl
import os
import secrets
import struct
from pathlib import Path

_GET_FLAGS = 0x80086601  # FS_IOC_GETFLAGS
_SET_FLAGS = 0x40086602  # FS_IOC_SETFLAGS
_TOP_OF_HIERARCHIES = 0x00020000  # FS_TOPDIR_FL
_FORMAT = "l"


def make_apart(directory: Path) -> None:
    """Make a directory, which ext4 is to place far from its neighbours; one that exists stays as it is.

    By default, ext4 makes the files of neighbours next to each other, and for minutes it goes round those that were
    just deleted, one by one, for each that it makes. Whoever unpacks 100,000 files beside 100,000 deleted ones, as one
    build does after another, waits two to three times as long. Told that its entries are unrelated, it chooses the
    place of a new one by its name; so the directory is made under a name that was never used, and renamed.

    After a crash, an empty directory whose name begins with a dot may be left.

    Source: chattr(1), attribute ``T``; ioctl_iflags(2); ``recently_deleted()`` and ``find_group_orlov()`` in the
    kernel's fs/ext4/ialloc.c.

    Raises:
        OSError: If it cannot be made.
    """
    if directory.is_dir():
        return
    _spread_entries(directory.parent)
    partial = directory.with_name(f".{secrets.token_hex(8)}")
    partial.mkdir()
    partial.rename(directory)


def _spread_entries(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # another file system
            (flags,) = struct.unpack(_FORMAT, fcntl.ioctl(descriptor, _GET_FLAGS, struct.pack(_FORMAT, 0)))
            fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack(_FORMAT, flags | _TOP_OF_HIERARCHIES))
    finally:
        os.close(descriptor)
