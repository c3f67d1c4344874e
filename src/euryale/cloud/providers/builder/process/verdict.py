"""What a person reads when a build did not succeed. Pure."""

import re
import signal
from collections.abc import Sequence

_TAIL_SHOWN = 30
_KILLED = (128 + signal.SIGKILL, -signal.SIGKILL)
_HINTS = (
    (
        re.compile(r"npm ci.{0,3} can only install packages when your package\.json and package-lock\.json", re.DOTALL),
        "package-lock.json does not agree with package.json: run `npm install` and commit package-lock.json.",
    ),
    (
        re.compile(r"ERR_PNPM_OUTDATED_LOCKFILE|ERR_PNPM_LOCKFILE"),
        "pnpm-lock.yaml does not agree with package.json: run `pnpm install` and commit pnpm-lock.yaml.",
    ),
    (
        re.compile(r"lockfile needs to be updated|lockfile would have been modified"),
        "yarn.lock does not agree with package.json: run `yarn install` and commit yarn.lock.",
    ),
    (
        re.compile(r"JavaScript heap out of memory"),
        "Node ran out of memory: set NODE_OPTIONS=--max-old-space-size=4096 (megabytes) for the build.",
    ),
    (
        re.compile(r"^Argument list too long$"),
        "A variable of the build is too long: the system takes 128 KiB for one, and some MiB for all.",
    ),
    (re.compile(r"ENOSPC|No space left on device"), "The disk is full."),
    (
        re.compile(r"\bE401\b|\b401 Unauthorized\b", re.IGNORECASE),
        "A package registry refused: give its token to the build as a variable that .npmrc names.",
    ),
)


def failed_command(phase: str, line: str, code: int, tail: Sequence[str]) -> str:
    """Return why a command ended the build: the line, its exit code, what helps if it is known, the last output."""
    ending = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return _message(f"{phase}: `{line}` {ending}.", _hint(code, "\n".join(tail)), tail)


def not_started(phase: str, line: str, why: str) -> str:
    """Return that the system does not run a command."""
    return _message(f"{phase}: `{line}` could not be started: {why}.", _hint(0, why), ())


def timed_out(phase: str, line: str, seconds: float, tail: Sequence[str]) -> str:
    """Return that the build took too long, and what it was doing."""
    return _message(f"{phase}: the build was ended after {seconds:g} s, during `{line}`.", "", tail)


def missing_file(path: str) -> str:
    """Return that the commands succeeded without making a file that they must."""
    return (
        f"The build made no {path}, although every command succeeded. "
        "Look at whether the build command writes it, and at the root directory."
    )


def _hint(code: int, output: str) -> str:
    for pattern, hint in _HINTS:
        if pattern.search(output):
            return hint
    if code in _KILLED:
        return "It was killed, most likely because memory ran out: give the machine more, or the build less to do."
    return ""


def _message(first: str, hint: str, tail: Sequence[str]) -> str:
    return "\n".join(part for part in (first, hint, *tail[-_TAIL_SHOWN:]) if part)
