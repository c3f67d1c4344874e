"""The environment of a build's commands. Pure but for the operator's settings, which are given."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
_PASSED_ON = (
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "npm_config_registry",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
)
_FIXED = {
    "LANG": "C.UTF-8",
    "CI": "true",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_PYTHON_PREFERENCE": "only-system",
    "UV_NO_PROGRESS": "true",
    "UV_LINK_MODE": "copy",
}
_OF_PNPM = {"npm_config_package_import_method": "copy", "pnpm_config_package_import_method": "copy"}


@dataclass(frozen=True, slots=True)
class Writable:
    """The directories outside of the work directory that a build may write to.

    Attributes:
        home: HOME.
        downloads: npm's cache.
        temporary: The directory for temporary files.
    """

    home: Path
    downloads: Path
    temporary: Path


def build_environment(
    *,
    operator: Mapping[str, str],
    plan: Mapping[str, str],
    user: Mapping[str, str],
    path: Iterable[Path],
    writable: Writable,
    manager: str = "npm",
) -> dict[str, str]:
    """Return the environment of a build's commands.

    uv and pnpm are told to copy out of their caches, where they would make hard links: what is installed is given to
    the platform when it is kept, and a file that is also in their cache would be given away there, too.

    Args:
        operator: The platform's own environment, of which certificates, proxies and registries are passed on.
        plan: What the plan sets.
        user: The user's variables, which win over the plan's but not over what the platform needs.
        path: Directories of the toolchains.
        writable: Where it may write to.
        manager: The package manager's name.
    """
    passed_on = {name: operator[name] for name in _PASSED_ON if name in operator}
    needed = {
        "PATH": os.pathsep.join([*map(os.fspath, path), *_SYSTEM_PATH]),
        "HOME": os.fspath(writable.home),
        "TMPDIR": os.fspath(writable.temporary),
        "npm_config_cache": os.fspath(writable.downloads),
        "npm_config_userconfig": os.fspath(writable.home / ".npmrc"),
    }
    copying = _OF_PNPM if manager == "pnpm" else {}  # npm would warn of what it does not know
    return {**_FIXED, **passed_on, **plan, **user, **copying, **needed}


def install_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of an install: without ``NODE_ENV``, which would leave out what the build needs."""
    return {name: value for name, value in environment.items() if name != "NODE_ENV"}
