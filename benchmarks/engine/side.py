"""A side of a comparison: a program in a process of its own that does what it is told."""

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_STARTS_WITHIN = 60.0
_ENDS_WITHIN = 20.0
_TAIL = 1500


class SideError(Exception):
    """A side did not do what it was told; the message says what it printed last."""


@dataclass(frozen=True, slots=True)
class Program:
    """How a side is started.

    Attributes:
        name: What it is called in tables and errors.
        command: The program and its arguments.
        environment: What it finds in its environment besides ours.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class Side:
    """A running side; see ``programs/telling.py`` for how it is told what to do.

    It has a session of its own, so that Ctrl-C reaches the benchmark alone, and so that what it started ends with it.

    Args:
        program: How it is started.
        folder: Where it works, and where what it prints is kept.
    """

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self._log = folder / f"{program.name}-{time.monotonic_ns()}.log"
        self._pending = b""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                program.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={**os.environ, **program.environment},
                start_new_session=True,
            )
        try:
            self._answer(_STARTS_WITHIN)
        except BaseException:
            self.kill()
            raise

    def tell(self, action: str, *, within: float = 180.0, **values: Any) -> dict[str, Any]:
        """Have it do something, and return what it answers.

        Raises:
            SideError: If it fails, or does not answer within so many seconds.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": action, **values}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._error("has ended") from error
        return self._answer(within)

    def _answer(self, within: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        deadline = time.monotonic() + within
        while b"\n" not in self._pending:
            if not select.select([self._process.stdout], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise self._error(f"did not answer within {within:.0f} s")
            read = os.read(self._process.stdout.fileno(), 1 << 16)
            if not read:
                raise self._error("has ended")
            self._pending += read
        line, self._pending = self._pending.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _error(self, what: str) -> SideError:
        said = self._log.read_text("utf-8", errors="replace").strip()
        last = said.rpartition("\n")[2] or "it said nothing"
        return SideError(f"{self._program.name} {what}: {last}\n{said[-_TAIL:]}")

    def stop(self) -> None:
        """Stop it and all that it started, until it is to go on."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on, if it was stopped."""
        os.killpg(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it and all that it started, at once, as a crash does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._reap()

    def end(self) -> None:
        """Let it end; end what is left of it."""
        with contextlib.suppress(ProcessLookupError):
            self.go_on()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDS_WITHIN)
        self.kill()

    def _reap(self) -> None:
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None or issubclass(kind, SideError):
            self.end()
        else:
            self.kill()
