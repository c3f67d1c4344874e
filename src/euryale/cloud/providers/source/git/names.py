"""What a branch, a commit, a path and one of our own repositories may be called. Pure."""

import re

_FORBIDDEN_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?!\.)){0,99}")
_MAX_REF_BYTES = 240
_HEADS = "refs/heads/"


def is_branch(name: str) -> bool:
    """Return whether ``name`` can name a branch: the rules of ``git check-ref-format``, and no leading dash.

    Also refused: what is no UTF-8, and more than 240 bytes (file systems end at 255).
    """
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    if not name or size > _MAX_REF_BYTES or _FORBIDDEN_IN_REF.search(name):
        return False
    if name.startswith(("-", "/")) or name.endswith(("/", ".")):
        return False
    return not any(part.startswith(".") or part.endswith(".lock") for part in name.split("/"))


def short_branch(ref: str) -> str:
    """Return a branch's name without a leading ``refs/heads/``."""
    return ref.removeprefix(_HEADS)


def as_hash(text: str) -> str | None:
    """Return ``text`` in lower case if it is a full commit hash, else ``None``."""
    lowered = text.lower()
    return lowered if _HASH.fullmatch(lowered) else None


def is_file_path(path: str) -> bool:
    """Return whether ``path`` is one that a file of a commit can have: UTF-8, relative, no ``.`` or ``..`` in it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in path and not any(part in {"", ".", ".."} for part in path.split("/"))


def is_repository_name(name: str) -> bool:
    """Return whether one of the platform's own repositories may be called that.

    At most 100 lower-case letters, digits, ``-``, ``_`` and single dots, beginning with a letter or digit and not
    ending with a dot, ``.git`` or ``.lock``.
    """
    return bool(_REPOSITORY.fullmatch(name)) and not name.endswith((".", ".git", ".lock"))
