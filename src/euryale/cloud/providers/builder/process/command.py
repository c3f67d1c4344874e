"""Running one line of a plan to its end."""

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from euryale.cloud.host.account import Account
from euryale.cloud.host.priority import lower_priority
from euryale.cloud.providers.builder.process.descendants import end_descendants
from euryale.cloud.providers.builder.process.sink import LogSink
from euryale.kit.clock import Clock

_NICENESS = 5
_PIECE = 64 * 1024
_PIECES_AT_A_TIME = 16
_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command ended.

    Attributes:
        code: Its exit code, negative for a signal; None if its time was up.
        seconds: How long it took.
    """

    code: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class CommandRunner:
    """Runs shell lines, one after the other.

    Attributes:
        account: Who they run as.
        sink: Where their output goes.
        clock: The time.
        deadline: When, by ``clock.monotonic()``, their time is up.
    """

    account: Account
    sink: LogSink
    clock: Clock
    deadline: float

    def run(self, line: str, *, cwd: Path, env: Mapping[str, str]) -> Exit:
        """Run a line; when it has ended, or its time is up, nothing that it started runs any more.

        Args:
            line: For ``/bin/sh -c``.
            cwd: Where.
            env: Its whole environment.
        """
        began = self.clock.monotonic()
        self.sink.begin_command()
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        try:
            process = self._start(line, cwd, env, writer)
            lower_priority(process.pid, _NICENESS)
            code = self._follow(process, reader)
        finally:
            end_descendants()
            self._pass_on(reader)
            self.sink.end_command()
            os.close(reader)
        return Exit(code, self.clock.monotonic() - began)

    def _start(self, line: str, cwd: Path, env: Mapping[str, str], writer: int) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # noqa: S603 -- a plan's own line
                ["/bin/sh", "-c", line],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self.account.popen_arguments(),
            )
        finally:
            os.close(writer)

    def _follow(self, process: "subprocess.Popen[bytes]", reader: int) -> int | None:
        """Pass the output on until the shell has ended; what it left in the background is not waited for."""
        is_open = True
        with selectors.DefaultSelector() as selector:
            selector.register(reader, selectors.EVENT_READ)
            while process.poll() is None:
                if self.clock.monotonic() >= self.deadline:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    return None
                if is_open:
                    is_open = not selector.select(_LOOK_EVERY) or self._pass_on(reader)
                else:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_LOOK_EVERY)
        return process.returncode

    def _pass_on(self, reader: int) -> bool:
        """Write what there is to the log, but for what a command that never pauses adds; return if more may come."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(_PIECES_AT_A_TIME):
                if not (piece := os.read(reader, _PIECE)):
                    return False
                self.sink.write(piece)
        return True
