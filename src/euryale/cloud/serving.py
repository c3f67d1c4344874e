"""Running the platform in the foreground, and ending it with all that outlives it."""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from euryale.cloud.app import build, derived_settings, shut_down
from euryale.cloud.home import Home
from euryale.cloud.host.errors import HostError
from euryale.cloud.host.ports import is_free
from euryale.cloud.settings import PlatformSettings
from euryale.framework.config import load

_PREFIX = "euryale"
_STOP_WITHIN = 60.0
_LOOK_EVERY = 0.05


def load_platform(overrides: Mapping[str, Any]) -> PlatformSettings:
    """Return the platform's settings: defaults < environment (``EURYALE_PLATFORM__PORT``) < ``overrides``.

    Raises:
        ConfigError: If one is not acceptable.
    """
    prefix = f"{_PREFIX}_PLATFORM"
    return load(PlatformSettings, prefix=prefix, file=None, environ=os.environ, overrides=overrides)


def run(overrides: Mapping[str, Any], *, ready: Callable[[str, Home], None]) -> None:
    """Run the platform until it is asked to stop. What it hosts goes on serving afterwards.

    Args:
        overrides: Settings of the platform by name, such as ``{"port": 7400}``.
        ready: Called with the API's address and the platform's directory, before it serves.

    Raises:
        HostError: If its port is taken or its directory cannot be used.
        StoreLockedError: If it runs already over this directory.
    """
    settings = load_platform(overrides)
    home = Home.at(settings.data)
    if not is_free(settings.port, settings.host):
        raise HostError(
            f"Port {settings.port} is taken.", hint="Choose another one (euryale up --port), or stop who has it."
        )
    asyncio.run(_serve(settings, home, ready))


async def _serve(settings: PlatformSettings, home: Home, ready: Callable[[str, Home], None]) -> None:
    app = build()
    url = f"http://{settings.host}:{settings.port}"
    home.announce(url)
    ready(url, home)
    values = {"platform": settings.model_dump(), **derived_settings(home)}
    await app.serve(host=settings.host, port=settings.port, overrides=values)


def down(overrides: Mapping[str, Any]) -> None:
    """Stop the platform if it runs, then everything that outlives it. Its data is kept.

    Raises:
        ConfigError: If a setting is not acceptable.
        HostError: If the platform does not stop within a minute.
    """
    asyncio.run(_down(load_platform(overrides)))


async def _down(settings: PlatformSettings) -> None:
    home = Home.at(settings.data)
    await _stop_platform(home)
    await shut_down(settings.model_copy(update={"data": home.path}))


async def _stop_platform(home: Home) -> None:
    """Ask the process that owns the directory to stop, and wait until the kernel says that it has."""
    lock = home.executions.with_name(f"{home.executions.name}.lock")
    if not lock.exists():
        return
    with lock.open("r+") as file:
        if _acquired(file.fileno()):
            return
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(file.read().strip()), signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                while not _acquired(file.fileno()):  # noqa: ASYNC110 -- the kernel tells nobody of a freed lock
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            raise HostError(f"The platform over {home.path} does not stop.", hint="Look what it does.") from None


def _acquired(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
