"""Executing a plan: install or its kept result, build, package, and a look at what came of it."""

import contextlib
import errno
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from euryale.cloud.buildplan.plan import Command
from euryale.cloud.host.account import Account, own_account
from euryale.cloud.providers.builder.process.command import CommandRunner
from euryale.cloud.providers.builder.process.dependencies import (
    DependencyStore,
    changed_since,
    install_key,
    made_by_install,
)
from euryale.cloud.providers.builder.process.descendants import MARK
from euryale.cloud.providers.builder.process.environment import install_environment
from euryale.cloud.providers.builder.process.layout import BuildFiles
from euryale.cloud.providers.builder.process.linking import Owner
from euryale.cloud.providers.builder.process.sink import LogSink
from euryale.cloud.providers.builder.process.specification import (
    BuildResult,
    BuildSpec,
    BuildState,
    Timing,
    write_value,
)
from euryale.cloud.providers.builder.process.verdict import failed_command, missing_file, not_started, timed_out
from euryale.kit.clock import Clock

_LACKS = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
"""What the machine lacks for the moment; anything else that keeps a command from starting is the build's own doing."""


class _EndedError(Exception):
    """The build goes no further; carries the outcome."""

    def __init__(self, state: Literal["failed", "timed_out"], phase: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.phase = phase
        self.reason = reason


@dataclass(slots=True)
class Execution:
    """One build, from the checkout to the outcome.

    Attributes:
        spec: What to do.
        files: Where.
        account: Who the commands run as.
        sink: The log.
        clock: The time.
        install: The key under which the install is kept, once it is known; None if it is not kept.
    """

    spec: BuildSpec
    files: BuildFiles
    account: Account
    sink: LogSink
    clock: Clock
    install: str | None = None
    _commands: CommandRunner = field(init=False)
    _timings: list[Timing] = field(init=False, default_factory=list)
    _made: tuple[str, ...] = field(init=False, default=())
    _installed_at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        deadline = self.clock.monotonic() + self.spec.timeout
        self._commands = CommandRunner(self.account, self.sink, self.clock, deadline)

    def run(self) -> BuildResult:
        """Do all of it, and return the outcome."""
        began = self.clock.monotonic()
        plan = self.spec.plan
        for note in plan.notes:
            self.sink.note(f"--- {note}")
        try:
            self._install()
            self._run_all("build", plan.build)
            self._run_all("package", plan.package)
            self._check()
        except _EndedError as ended:
            self.sink.note(f"--- {ended.state} after {self.clock.monotonic() - began:.1f} s\n{ended.reason}")
            return BuildResult(ended.state, ended.phase, reason=ended.reason, timings=tuple(self._timings))
        self.sink.note(f"--- succeeded in {self.clock.monotonic() - began:.1f} s")
        return BuildResult("succeeded", "package", artifact=plan.artifact, timings=tuple(self._timings))

    def store(self) -> DependencyStore:
        """Return the installs kept for this pipeline."""
        keeper = own_account()
        return DependencyStore(
            Path(self.spec.dependencies),
            builder=Owner(self.account.uid, self.account.gid),
            keeper=Owner(keeper.uid, keeper.gid),
        )

    def _install(self) -> None:
        self._enter("install")
        self.install = install_key(self.spec, self.files.work)
        began = self.clock.monotonic()
        if self.install and self.store().restore(self.install, self.files.work):
            self._record("install", f"put back what an earlier build installed ({self.install})", began)
            return
        self._run_all("install", (*self.spec.plan.install, *self._provide()))
        self._made = made_by_install(self.files.work, self.spec.plan.install_outputs)
        self._installed_at = self.clock.timestamp()

    def keep_install(self) -> None:
        """Keep a fresh install for later builds, unless this build has written into it. Nobody waits for this."""
        if self.install is None or not self._made:
            return
        if any(changed_since(self.files.work / output, self._installed_at) for output in self._made):
            self.sink.note("--- the install is not kept for later builds: the build has written into it")
            return
        began = self.clock.monotonic()
        self.store().keep(self.install, self.files.work, self._made)
        seconds = self.clock.monotonic() - began
        self.sink.note(f"--- the install was kept for later builds ({self.install}): {seconds:.1f} s")

    def _provide(self) -> tuple[Command, ...]:
        if not self.spec.provided:
            return ()
        python = shlex.quote(f"{self.spec.plan.venv}/bin/python")
        return (Command("install", f"uv pip install --python {python} {shlex.quote(self.spec.provided)}"),)

    def _run_all(self, phase: str, commands: Sequence[Command]) -> None:
        if commands:
            self._enter(phase)
        for command in commands:
            self._run(phase, command)

    def _run(self, phase: str, command: Command) -> None:
        self.sink.note(
            f"==> {phase}: {command.line}" + ("" if command.directory == "." else f" (in {command.directory})")
        )
        env = install_environment(self.spec.env) if phase == "install" else self.spec.env
        cwd = self._inside(command.directory)
        if cwd is None or not cwd.is_dir():
            raise _EndedError("failed", phase, f"{phase}: there is no directory {command.directory!r}.")
        began = self.clock.monotonic()
        try:
            ended = self._commands.run(command.line, cwd=cwd, env={**env, MARK: str(self.files.directory)})
        except OSError as error:
            if error.errno in _LACKS:
                raise
            reason = not_started(phase, command.line, os.strerror(error.errno or 0))
            raise _EndedError("failed", phase, reason) from error
        self._record(phase, command.line, began)
        if ended.code is None:
            reason = timed_out(phase, command.line, self.spec.timeout, self.sink.tail())
            raise _EndedError("timed_out", phase, reason)
        if ended.code != 0:
            raise _EndedError("failed", phase, failed_command(phase, command.line, ended.code, self.sink.tail()))

    def _check(self) -> None:
        plan = self.spec.plan
        for name in (plan.artifact, *plan.must_exist):
            if self._inside(name) is None:
                raise _EndedError("failed", "package", missing_file(name))

    def _inside(self, name: str) -> Path | None:
        """Return the path if it exists and is really in the work directory."""
        path = (self.files.work / name).resolve()
        return path if path.is_relative_to(self.files.work) and path.exists() else None

    def _enter(self, phase: str) -> None:
        with contextlib.suppress(OSError):  # a full disk is for the command to complain of
            write_value(self.files.state, BuildState(phase))

    def _record(self, phase: str, what: str, began: float) -> None:
        seconds = round(self.clock.monotonic() - began, 3)
        self._timings.append(Timing(phase, what, seconds))
        self.sink.note(f"<== {phase}: {what}: {seconds:.1f} s")
