"""Keeping what an install made, for the next build with the same lockfile.

What is kept shares its files with the builds by hard links: putting back 100,000 files takes about a second. That is
safe because, once an install is kept, its files belong to the platform: a build or an application may replace one in
its own tree, but not write to it in place. What tools write to in place (entries of ``node_modules`` whose names begin
with a dot, such as ``.cache`` and ``.prisma``) is copied instead.
"""

import contextlib
import hashlib
import os
import platform
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from euryale.cloud.host.procfs import identify
from euryale.cloud.providers.builder.process.linking import (
    Owner,
    link_tree,
    protect_tree,
    remove_tree,
    tree_size,
)
from euryale.cloud.providers.builder.process.specification import BuildSpec, read_value, write_value

_FORMAT = "1"
_MANIFEST = "manifest.json"
_BYTECODE = "__pycache__"  # Python adds it when it first runs what was installed; it follows from that
_LINKED_DOT_NAMES = frozenset({".bin", ".pnpm", ".package-lock.json", ".modules.yaml", ".yarn-state.yml"})


@dataclass(frozen=True, slots=True)
class KeptInstall:
    """What is known of a kept install.

    Attributes:
        outputs: What it made, relative to the work directory; the n-th one is kept under the name n.
    """

    outputs: tuple[str, ...]


def install_key(spec: BuildSpec, work: Path) -> str | None:
    """Return what names the result of the install, or None if it is not to be kept.

    Two installs with one key make the same: same lockfiles, commands, toolchains and machine.
    """
    plan = spec.plan
    if not plan.install_key_files or not plan.install_outputs:
        return None
    digest = hashlib.sha256()
    facts = (_FORMAT, plan.language, plan.runtime_version, plan.package_manager.name, *spec.toolchain, spec.provided)
    lines = (f"{command.directory} {command.line}" for command in plan.install)
    for fact in (*facts, platform.machine(), "".join(platform.libc_ver()), *lines, *plan.install_outputs):
        _add(digest, fact.encode())
    for name in plan.install_key_files:
        content = _read(work, name)
        if content is None:
            return None
        _add(digest, name.encode())
        _add(digest, content)
    return digest.hexdigest()[:32]


class DependencyStore:
    """The kept installs of one pipeline.

    Args:
        directory: Where they are.
        builder: Who gets the directories that are put back.
        keeper: Who gets the files, so that nobody else can write to them.
    """

    def __init__(self, directory: Path, *, builder: Owner, keeper: Owner) -> None:
        self._directory = directory
        self._builder = builder
        self._keeper = keeper

    def restore(self, key: str, work: Path) -> bool:
        """Put a kept install back; return whether there was one."""
        entry = self._directory / key
        kept = read_value(entry / _MANIFEST, KeptInstall)
        if kept is None or not all(_has_plain_place(work, output) for output in kept.outputs):
            return False
        try:
            for number, output in enumerate(kept.outputs):
                _clear(work / output)
                self._make_parents(work, output)
                link_tree(entry / str(number), work / output, self._builder, private=_is_written_in_place)
            os.utime(entry)
        except FileNotFoundError:  # another build has pruned it meanwhile
            for output in kept.outputs:
                _clear(work / output)
            return False
        return True

    def _make_parents(self, work: Path, output: str) -> None:
        for parent in reversed((work / output).relative_to(work).parents[:-1]):
            if not (work / parent).exists():
                (work / parent).mkdir()
                self._builder.own(os.fspath(work / parent))

    def keep(self, key: str, work: Path, outputs: tuple[str, ...]) -> None:
        """Keep what an install made; nothing happens if it is kept already.

        Args:
            key: What it is found by.
            work: The work directory.
            outputs: What the install made, as :func:`made_by_install` says.
        """
        entry = self._directory / key
        if entry.exists():
            return
        partial = self._directory / _partial_name(key)
        remove_tree(partial)
        partial.mkdir(mode=0o700)
        for number, output in enumerate(outputs):
            protect_tree(work / output, self._keeper, private=_is_written_in_place)
            link_tree(work / output, partial / str(number), self._keeper, private=_is_written_in_place)
        write_value(partial / _MANIFEST, KeptInstall(outputs))
        try:
            partial.rename(entry)
        except OSError:
            remove_tree(partial)  # another build was faster

    def prune(self, budget: int, *, used: str | None) -> None:
        """Delete the installs that were not used for the longest, until the rest take at most ``budget`` bytes.

        What a build was about to keep when it was killed goes, too. Another build may do the same at the same time.

        Args:
            budget: Bytes.
            used: The key that is used now; it stays in any case.
        """
        found = list(self._directory.iterdir())
        for partial in filter(_is_abandoned, found):
            _remove_shared(partial)
        entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=_last_use, reverse=True)
        entries.sort(key=lambda entry: entry.name != used)
        total = 0
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                total += tree_size(entry)
            if total > budget and entry.name != used:
                _withdraw(entry)


def made_by_install(work: Path, outputs: Iterable[str]) -> tuple[str, ...]:
    """Return those outputs that came to be; what a link leads to is none."""
    return tuple(output for output in outputs if _is_plain(work, output))


def changed_since(output: Path, moment: float) -> bool:
    """Return whether an output was written to after a moment, but for what is written in place anyway.

    Args:
        output: A file or a directory; one that is gone has been changed.
        moment: Seconds since the epoch. The time of a file's last change, unlike that of its content, cannot be set.
    """
    if output.is_symlink() or not output.exists():
        return True
    if not output.is_dir():
        return output.stat().st_ctime > moment
    for folder, directories, files in os.walk(output):
        at_top = folder == os.fspath(output)
        directories[:] = [
            name for name in directories if not (name == _BYTECODE or (at_top and _is_written_in_place(name)))
        ]
        if any(os.lstat(os.path.join(folder, name)).st_ctime > moment for name in files):  # noqa: PTH118 -- 100k files
            return True
    return False


def _partial_name(key: str) -> str:
    me = identify(os.getpid())
    return f".{key}.{os.getpid()}.{me.ticks if me else 0}"


def _is_abandoned(entry: Path) -> bool:
    """Return whether it is what a process that is no more was about to keep."""
    _, _, process = entry.name.removeprefix(".").partition(".")
    pid, _, ticks = process.partition(".")
    if not entry.name.startswith(".") or not pid.isdigit():
        return False
    owner = identify(int(pid))
    return owner is None or str(owner.ticks) != ticks


def _last_use(entry: Path) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _withdraw(entry: Path) -> None:
    """Take the name away before the files: who puts it back meanwhile sees at the end that it is not whole."""
    doomed = entry.with_name(_partial_name(entry.name))
    with contextlib.suppress(FileNotFoundError):
        entry.rename(doomed)
        _remove_shared(doomed)


def _remove_shared(directory: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # another build deletes it, too
        remove_tree(directory)


def _add(digest: "hashlib._Hash", content: bytes) -> None:
    digest.update(len(content).to_bytes(8, "big"))
    digest.update(content)


def _read(work: Path, name: str) -> bytes | None:
    path = work / name
    return path.read_bytes() if _is_plain(work, name) and path.is_file() else None


def _is_plain(work: Path, name: str) -> bool:
    """Return whether it exists in the work directory with no symbolic link on the way."""
    path = work / name
    return path.resolve() == path and path.is_relative_to(work) and path.exists()


def _has_plain_place(work: Path, name: str) -> bool:
    """Return whether nothing but directories of the work directory lead there, as far as they exist."""
    parent = (work / name).parent
    return parent.resolve() == parent and parent.is_relative_to(work)


def _is_written_in_place(name: str) -> bool:
    return name.startswith(".") and name not in _LINKED_DOT_NAMES


def _clear(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
