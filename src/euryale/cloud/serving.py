"""Running the platform in the foreground, and ending it with all that outlives it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any, Final

from euryale.cloud.app import build, derived_settings, shut_down
from euryale.cloud.home import Home
from euryale.cloud.host.errors import HostError
from euryale.cloud.host.procfs import Identity
from euryale.cloud.settings import PlatformSettings
from euryale.framework.config import load
from euryale.framework.http import AddressError

_PREFIX: Final = "euryale"
_STOP_WITHIN: Final = 60.0
_LOOK_EVERY: Final = 0.05


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
        ready: Called with the API's address and the platform's directory, once it answers.

    Raises:
        DirectoryInUseError: If a platform runs already over this directory.
        HostError: If its port is taken, or its directory cannot be used.
        EuryaleError: If it does not start otherwise; the message says why.
    """
    settings = load_platform(overrides)
    asyncio.run(_serve(settings, Home.at(settings.data), ready))


async def _serve(settings: PlatformSettings, home: Home, ready: Callable[[str, Home], None]) -> None:
    def announce(url: str) -> None:
        home.announce(url)
        ready(url, home)

    values = {"platform": settings.model_dump(), **derived_settings(home)}
    try:
        await build().serve(host=settings.host, port=settings.port, overrides=values, ready=announce)
    except AddressError as error:
        if home.in_use:
            raise home.conflict() from error
        hint = "Choose another one (euryale up --port), or stop who has it."
        raise HostError(error.message, hint=hint) from error


def down(overrides: Mapping[str, Any]) -> None:
    """Stop the platform if it runs, then everything that outlives it. Its data is kept.

    Only its directory needs to be known; where everything is, is written down there.

    Args:
        overrides: Settings of the platform by name; all but ``data`` make no difference.

    Raises:
        ConfigError: If a setting is not acceptable.
        HostError: If there is no platform in the directory, or it does not stop within a minute.
    """
    asyncio.run(_down(Home.existing(load_platform(overrides).data)))


async def _down(home: Home) -> None:
    await _stop_platform(home)
    async with home.sole_use():
        await shut_down(PlatformSettings(data=home.path))


async def _stop_platform(home: Home) -> None:
    """Ask the process that has the directory to stop, and wait until the kernel says that it has."""
    asked: set[Identity] = set()
    try:
        async with asyncio.timeout(_STOP_WITHIN):
            while home.in_use:
                user = home.user
                if user is not None and user not in asked:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(user.pid, signal.SIGTERM)
                    asked.add(user)
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        raise HostError(f"The platform over {home.path} does not stop.", hint="Look what it does.") from None
