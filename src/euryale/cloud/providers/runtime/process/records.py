"""What the runtime and a supervisor tell each other through files."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from euryale.cloud.host.procfs import Identity
from euryale.cloud.providers.runtime.process.backoff import RestartPolicy

MARKER = "EURYALE_INSTANCE"
"""The variable by which a process is known to belong to an instance, whoever its parent is now."""

DEFAULT_GRACE = 30.0


class Spec(NamedTuple):
    """What a supervisor is to run. Holds secrets in the clear: its file is for the platform's account alone.

    Attributes:
        token: Names this record; every process started from it has it in its environment under ``MARKER``.
        port: The port that the process answers on; 0 for one that answers nobody.
        words: Program and arguments.
        directory: Where it is started.
        env: Its whole environment.
        uid: The user it runs as; None for the supervisor's own.
        gid: The group it runs as.
        log: The file to which its output is appended.
        masks: What is replaced in its output.
        memory: Bytes that it and its descendants may take together, or None.
        restart: When it is started again.
        timeout: For a process that is run once: the seconds it may take; None for one that is kept running.
    """

    token: str
    port: int
    words: list[str]
    directory: str
    env: dict[str, str]
    uid: int | None
    gid: int | None
    log: str
    masks: list[str]
    memory: int | None
    restart: RestartPolicy
    timeout: float | None

    @property
    def marker(self) -> bytes:
        """The variable, with its value, that every process started from this record has."""
        return f"{MARKER}={self.token}".encode()


class State(NamedTuple):
    """How it stands, as the supervisor saw it last.

    Attributes:
        phase: ``starting``, ``running``, ``backoff``, or ``stopped`` once nothing is left to be done.
        supervisor: Who wrote this.
        process: The process it started last.
        restarts: How often it was started again.
        deaths: How often in a row it died soon after its start.
        since: When this phase began, ISO 8601 in UTC.
        outcome: How the process ended last, in words; empty while none has.
        status: Its exit status; negative: the signal that ended it; None if it did not end by itself.
    """

    phase: str
    supervisor: Identity
    process: Identity | None = None
    restarts: int = 0
    deaths: int = 0
    since: str = ""
    outcome: str = ""
    status: int | None = None


def write_spec(path: Path, spec: Spec) -> None:
    """Write the record so that a reader sees all of it or none."""
    _write(path, json.dumps(spec._asdict()))


def read_spec(path: Path) -> Spec | None:
    """Return the record, or None if there is none."""
    fields = _read(path)
    if fields is None:
        return None
    fields["restart"] = RestartPolicy(*fields["restart"])
    return Spec(**fields)


def write_state(path: Path, state: State) -> None:
    """Write the record so that a reader sees all of it or none."""
    _write(path, json.dumps(state._asdict()))


def read_state(path: Path) -> State | None:
    """Return the record, or None if there is none."""
    fields = _read(path)
    if fields is None:
        return None
    fields["supervisor"] = Identity(*fields["supervisor"])
    fields["process"] = Identity(*fields["process"]) if fields["process"] else None
    return State(**fields)


def write_stop(path: Path, grace: float) -> None:
    """Write that the instance is not to run any more, and the seconds it has to end by itself."""
    _write(path, json.dumps({"grace": grace}))


def read_stop(path: Path) -> float | None:
    """Return the seconds it has to end by itself, or None if it is to run."""
    fields = _read(path)
    return None if fields is None else float(fields["grace"])


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def _read(path: Path) -> dict[str, Any] | None:
    try:
        fields = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return fields if isinstance(fields, dict) else None
