"""What the platform tells the runner, and what the runner leaves behind: files of JSON, written whole or not at all."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from euryale.cloud.buildplan.plan import BuildPlan

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """Everything that the runner needs to know.

    Attributes:
        plan: What to do.
        account: The name of the account that the commands run as.
        env: The environment of the commands.
        masked: Values that must not appear in the log.
        slots: Lock files, one of which is held while the build runs.
        dependencies: Where installs are kept.
        dependencies_budget: Bytes that they may take.
        toolchain: What names the toolchains exactly, for the key of an install.
        provided: A requirement that the platform itself adds to the virtual environment; empty for none.
        timeout: Seconds that the build may take, without its time in the queue.
    """

    plan: BuildPlan
    account: str
    env: dict[str, str]
    masked: tuple[str, ...]
    slots: tuple[str, ...]
    dependencies: str
    dependencies_budget: int
    toolchain: tuple[str, ...]
    provided: str
    timeout: float


@dataclass(frozen=True, slots=True)
class BuildState:
    """The phase that runs."""

    phase: str


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a part of the build took.

    Attributes:
        phase: The phase it belongs to.
        what: The command, or what was done instead.
        seconds: How long.
    """

    phase: str
    what: str
    seconds: float


@dataclass(frozen=True, slots=True)
class BuildResult:
    """The outcome.

    Attributes:
        state: How it ended.
        phase: The phase that ended it.
        artifact: The artifact's directory, relative to the work directory, if it succeeded.
        reason: Why, if it did not.
        timings: What took how long, in order.
    """

    state: Literal["succeeded", "failed", "timed_out"]
    phase: str
    artifact: str = ""
    reason: str = ""
    timings: tuple[Timing, ...] = ()


def write_value(path: Path, value: object) -> None:
    """Write ``value`` so that a reader sees all of it or nothing, and no other account sees it."""
    partial = path.with_name(f".{path.name}.new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(value))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_value(path: Path, kind: type[T]) -> T | None:
    """Return what :func:`write_value` wrote, or None if there is nothing to be read as that."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None
