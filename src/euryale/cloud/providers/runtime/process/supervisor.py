"""Keeps one instance running: ``python -m euryale.cloud.providers.runtime.process.supervisor DIRECTORY``.

Every instance has one of these processes, so it imports little. It runs as the platform's account, which is why an
application can neither end it, nor read its record, nor forge what it reports; only the application's processes run as
the unprivileged account. It is the reaper of all that descend from them, so that none gets away.
"""

import contextlib
import ctypes
import fcntl
import os
import resource
import select
import selectors
import signal
import subprocess
import sys
from pathlib import Path

from euryale.cloud.host.procfs import Identity, descendants, identify
from euryale.cloud.providers.runtime.process.logfile import LogFile
from euryale.cloud.providers.runtime.process.records import (
    DEFAULT_GRACE,
    Spec,
    State,
    read_spec,
    read_stop,
    write_state,
)
from euryale.kit.machine_time import monotonic, utc_now

SPEC, STATE, STOP, LOCK = "spec.json", "state.json", "stop.json", "lock"
STOPPED = "stopped"

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_OPEN_FILES = 65_536
_CHUNK = 64 * 1024
_MEMORY_LOOK = 2.0
_KILL_LOOK = 0.05
_EXCESS_GRACE = 5.0
_LOCK_TRIES = 100
_LOCK_PAUSE = 0.02
_NOTHING_TO_DO = 3

_libc = ctypes.CDLL(None)


class Supervisor:
    """Starts the process of a record, starts it again when it dies, and ends it with all that it started.

    Args:
        directory: The instance's directory, to which the state is written.
        spec: What to run.
        me: This process.
    """

    def __init__(self, directory: Path, spec: Spec, me: Identity) -> None:
        self._directory = directory
        self._spec = spec
        self._state = State("starting", me)
        self._log = LogFile(Path(spec.log), spec.masks)
        self._selector = selectors.DefaultSelector()
        self._output: int | None = None
        self._process: Identity | None = None
        self._status: int | None = None
        self._childless = True
        self._asked_to_stop = False

    def run(self) -> None:
        """Return when there is nothing more to run and nothing of it is left."""
        self._listen_to_signals()
        self._enter("starting")
        while not self._asked_to_stop:
            begun = monotonic()
            outcome, status = self._live(begun)
            self._log.note(outcome)
            if self._spec.timeout is not None or self._asked_to_stop:
                self._enter("stopped", outcome=outcome, status=status)
                return
            self._back_off(outcome, status, monotonic() - begun)
        self._enter("stopped")

    def _live(self, begun: float) -> tuple[str, int | None]:
        """Run the process from its start to its end; return how it ended, and its status if it did by itself."""
        try:
            self._launch()
        except (OSError, subprocess.SubprocessError) as error:
            return f"could not be started: {error}", None
        self._enter("running", process=self._process)
        cause = self._attend(begun)
        status = self._status
        self._end_all(self._grace_for(cause) if cause else 0.0)
        self._close_output()
        return (cause, None) if cause else (_ending(status), status)

    def _launch(self) -> None:
        self._status = None
        reader, writer = os.pipe2(os.O_CLOEXEC)
        try:
            process = subprocess.Popen(  # noqa: S603 -- the words were composed by the runtime
                self._spec.words,
                cwd=self._spec.directory,
                env=self._spec.env,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._spec.uid,
                group=self._spec.gid,
                extra_groups=None if self._spec.uid is None else [],
                umask=0o027,
                preexec_fn=_bind_to_supervisor,  # noqa: PLW1509 -- this process has one thread
            )
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        self._process = identify(process.pid)
        self._childless = False
        process.returncode = 0  # it is collected in _collect, with all others
        os.set_blocking(reader, False)
        self._output = reader
        self._selector.register(reader, selectors.EVENT_READ)

    def _attend(self, begun: float) -> str:
        """Move output to the log until the process ends or is to be ended; return why, or "" if it ended by itself."""
        while self._status is None:
            if self._asked_to_stop:
                return STOPPED
            self._wait(self._until_next_look(begun))
            if self._status is None and (excess := self._excess(begun)):
                return excess
        return ""

    def _excess(self, begun: float) -> str:
        """Return which limit the process exceeds, or ""."""
        if self._spec.timeout is not None and monotonic() - begun >= self._spec.timeout:
            return f"took longer than {self._spec.timeout:g} s"
        if self._spec.memory is not None and (taken := self._memory()) > self._spec.memory:
            return f"took {taken // 2**20} MiB of memory; {self._spec.memory // 2**20} MiB are allowed"
        return ""

    def _until_next_look(self, begun: float) -> float | None:
        looks = []
        if self._spec.timeout is not None:
            looks.append(max(0.0, begun + self._spec.timeout - monotonic()))
        if self._spec.memory is not None:
            looks.append(_MEMORY_LOOK)
        return min(looks, default=None)

    def _memory(self) -> int:
        return sum(row.memory for row in descendants(os.getpid()))

    def _end_all(self, grace: float) -> None:
        """End the process and everything that descends from it: ask, wait ``grace`` seconds, then kill."""
        deadline = monotonic() + grace
        if grace > 0:
            self._signal_all(signal.SIGTERM)
        while not self._childless and (left := deadline - monotonic()) > 0:
            self._wait(left)
        while not self._childless:  # what forks meanwhile is met by the next round
            self._signal_all(signal.SIGKILL)
            self._wait(_KILL_LOOK)

    def _signal_all(self, number: signal.Signals) -> None:
        leader = self._process.pid if self._process is not None and self._status is None else None
        if leader is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(leader, number)
        for row in descendants(os.getpid()):
            if row.group != leader:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(row.pid, number)

    def _back_off(self, outcome: str, status: int | None, lived: float) -> None:
        deaths = self._spec.restart.deaths(self._state.deaths, lived)
        delay = self._spec.restart.delay(deaths)
        self._log.note(f"starting again in {delay:g} s")
        self._enter("backoff", outcome=outcome, status=status, deaths=deaths)
        until = monotonic() + delay
        while not self._asked_to_stop and (left := until - monotonic()) > 0:
            self._wait(left)
        self._state = self._state._replace(restarts=self._state.restarts + 1)

    def _wait(self, seconds: float | None) -> None:
        for key, _ in self._selector.select(seconds):
            if key.fd == self._output:
                self._pump()
            else:
                os.read(key.fd, _CHUNK)
        self._collect()

    def _pump(self) -> bool:
        """Move a piece of output to the log; return whether there may be more."""
        if self._output is None:
            return False
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return False
        self._log.write(data)
        if not data:
            self._selector.unregister(self._output)
            os.close(self._output)
            self._output = None
        return bool(data)

    def _close_output(self) -> None:
        while self._pump():
            pass
        if self._output is not None:
            self._selector.unregister(self._output)
            os.close(self._output)
            self._output = None
        self._log.flush()

    def _collect(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._childless = True
                return
            if pid == 0:
                return
            if self._process is not None and pid == self._process.pid:
                self._status = os.waitstatus_to_exitcode(status)

    def _grace_for(self, cause: str) -> float:
        """Return the seconds that the process has to end by itself."""
        if cause != STOPPED:
            return _EXCESS_GRACE
        grace = read_stop(self._directory / STOP)
        return DEFAULT_GRACE if grace is None else grace

    def _enter(self, phase: str, **changes: object) -> None:
        since = utc_now().isoformat()
        self._state = self._state._replace(phase=phase, since=since, **changes)  # type: ignore[arg-type]
        with contextlib.suppress(OSError):  # a full disk must not end what runs
            write_state(self._directory / STATE, self._state)

    def _listen_to_signals(self) -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector.register(reader, selectors.EVENT_READ)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGHUP):  # not SIG_IGN, which the application would inherit
            signal.signal(number, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self._asked_to_stop = True


def _ending(status: int | None) -> str:
    if status is None:
        return "ended"
    return f"exited with status {status}" if status >= 0 else f"ended by {signal.Signals(-status).name}"


def _bind_to_supervisor() -> None:
    """Between fork and exec, as the application's account: die with the supervisor; no core dumps; many open files."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def _lock(directory: Path) -> int | None:
    """Take the instance's lock for as long as this process lives; None if another supervisor has it."""
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(_LOCK_TRIES):  # the runtime holds it for a moment when it looks whether anybody has it
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            select.select([], [], [], _LOCK_PAUSE)
        else:
            return descriptor
    return None


def main(directory: Path) -> int:
    """Supervise the instance in ``directory``; return the exit status."""
    if _lock(directory) is None or read_stop(directory / STOP) is not None:
        return _NOTHING_TO_DO
    spec = read_spec(directory / SPEC)
    me = identify(os.getpid())
    if spec is None or me is None:
        return _NOTHING_TO_DO
    os.umask(0o027)
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    Supervisor(directory, spec, me).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
