"""A Procfile: one kind of process a line."""

import re
import shlex

from euryale.cloud.buildplan.errors import BadManifestError, NoStartCommandError
from euryale.cloud.buildplan.files import RepositoryFiles, join
from euryale.cloud.buildplan.plan import Command, Process

_LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,62})[ \t]*:[ \t]*(\S.*)")
_SINGLE = re.compile(r"([A-Za-z0-9_./@-]+)(?:[ \t][^;&|(){}`#\n\r]*)?")
_OF_THE_SHELL = frozenset(
    {
        ".",
        ":",
        "alias",
        "bg",
        "break",
        "case",
        "cd",
        "command",
        "continue",
        "eval",
        "exec",
        "exit",
        "export",
        "fg",
        "for",
    }
    | {
        "getopts",
        "hash",
        "if",
        "jobs",
        "local",
        "read",
        "readonly",
        "return",
        "set",
        "shift",
        "source",
        "times",
        "trap",
    }
    | {"type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while"}
)


def read_procfile(files: RepositoryFiles, root: str) -> dict[str, str] | None:
    """Return the shell lines of a Procfile by process, or None if there is no Procfile.

    Raises:
        BadManifestError: If a line is not ``name: command``, or a name comes twice.
        NoStartCommandError: If it has no ``web``.
    """
    path = join(root, "Procfile")
    text = files.text(path)
    if text is None:
        return None
    found: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or not line.replace("\t", " ").isprintable():
            raise BadManifestError(f"{path}, line {number}: write it as `name: command`.", file=path)
        if match[1] in found:
            raise BadManifestError(f"{path}, line {number}: {match[1]!r} is there twice.", file=path)
        found[match[1]] = match[2]
    if "web" not in found:
        raise NoStartCommandError(
            f"{path} has no `web` process.", file=path, hint="Add a line like `web: <what starts the server on $PORT>`."
        )
    return found


def procfile_processes(lines: dict[str, str], root: str, path: str) -> tuple[Process, ...]:
    """Return the processes of a Procfile; ``release`` is none.

    Args:
        lines: What the Procfile says.
        root: Where they run.
        path: The directories to search for programs first, as a shell word list for ``PATH``.
    """
    names = sorted((name for name in lines if name != "release"), key=lambda name: (name != "web", name))
    return tuple(Process(name, Command("start", in_path(path, lines[name]), root)) for name in names)


def procfile_release(lines: dict[str, str], root: str, path: str) -> tuple[Command, ...]:
    """Return what a Procfile wants to be run once per deployment, before the switch."""
    return (Command("predeploy", in_path(path, lines["release"]), root),) if "release" in lines else ()


def in_path(path: str, written: str) -> str:
    """Return a shell line that runs what the repository wrote, with more directories on ``PATH``.

    What was written is one quoted word of it, so nothing in it reaches beyond its own shell. A single command takes the
    shell's place, for signals to reach it.
    """
    inner = f"exec {written}" if is_single(written) else written
    return f'export PATH="{path}:$PATH"; exec /bin/sh -c {shlex.quote(inner)}'


def is_single(written: str) -> bool:
    """Say whether a shell line is for certain the call of one program, so that ``exec`` may stand before it."""
    match = _SINGLE.fullmatch(written)
    return match is not None and match[1] not in _OF_THE_SHELL
