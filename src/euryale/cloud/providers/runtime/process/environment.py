"""The whole environment of an application's process. Pure."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from euryale.cloud.providers.runtime.process.records import MARKER

_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")

_CERTIFICATES = (
    "AWS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)
"""What a process takes from the platform's own environment: without it, a machine behind a proxy reaches nobody."""

_OWN = frozenset({"HOME", "HOST", "PATH", "PORT", "TMPDIR", MARKER})
"""What the runtime sets, whatever the application's variables say."""


def compose(
    variables: Mapping[str, str],
    *,
    machine: Mapping[str, str],
    path: Iterable[Path],
    home: Path,
    temporary: Path,
    token: str,
) -> dict[str, str]:
    """Return the environment.

    Args:
        variables: The application's own; they override what is taken from the machine, not what the runtime sets.
        machine: The platform's environment, of which only the settings for certificates are taken.
        path: The directories that come first in ``PATH``.
        home: The directory that it may write to.
        temporary: The directory for its temporary files.
        token: The mark by which its processes are known.
    """
    env = {"LANG": "C.UTF-8"}
    env.update({name: machine[name] for name in _CERTIFICATES if name in machine})
    env.update(variables)
    env.update(
        {
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "PATH": ":".join([*map(str, path), *_SYSTEM_PATH]),
            MARKER: token,
        }
    )
    return env


def agrees(env: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Return whether a process with the environment ``env`` knows the variables, the runtime's own left aside."""
    return all(env.get(name) == value for name, value in variables.items() if name not in _OWN)


def listening_on(env: Mapping[str, str], port: int) -> dict[str, str]:
    """Return ``env`` for a process that is to answer on ``port`` of loopback, and nowhere else."""
    return {**env, "HOST": "127.0.0.1", "PORT": str(port)}
