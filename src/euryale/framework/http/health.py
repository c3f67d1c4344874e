"""``/health``: the process is alive. ``/ready``: it can take requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

_PATIENCE: Final = 5.0
_log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[object]]


class Readiness:
    """Whether the application can take requests: started, not stopping, and all checks pass.

    Args:
        checks: What to ask, by name; a check that raises, or takes five seconds, fails.
    """

    def __init__(self, checks: Mapping[str, Check] | None = None) -> None:
        self._checks = dict(checks or {})
        self._open = False

    def open(self) -> None:
        """Say that the application has started."""
        self._open = True

    def close(self) -> None:
        """Say that it is stopping, so that no new requests are sent here."""
        self._open = False

    async def ask(self) -> tuple[bool, dict[str, str]]:
        """Return whether it is ready, and the outcome of each check. Why one fails is logged, not told."""
        if not self._open:
            return False, {"application": "not serving"}
        outcomes = await asyncio.gather(*(self._try(name, check) for name, check in self._checks.items()))
        found = dict(zip(self._checks, outcomes, strict=True))
        return all(outcome == "ok" for outcome in outcomes), found

    async def _try(self, name: str, check: Check) -> str:
        try:
            async with asyncio.timeout(_PATIENCE):
                await check()
        except Exception as error:  # noqa: BLE001 -- whatever a check raises, it has failed
            _log.warning("the check %s fails: %s", name, error)
            return "failing"
        return "ok"


router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> dict[str, str]:
    """Say that the process is alive."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(request: Request, response: Response) -> dict[str, object]:
    """Say whether requests can be taken."""
    readiness: Readiness = request.app.state.readiness
    is_ready, checks = await readiness.ask()
    if not is_ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return {"status": "ready" if is_ready else "not ready", "checks": checks}
