"""Whether an instance answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from euryale.kit.clock import SYSTEM_CLOCK

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5
_GROWTH = 1.3
_ANSWER_TIMEOUT = 5.0
_SHOWN = 300
_FAILING = 400


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the looks at an instance came to.

    Attributes:
        healthy: It answered with a status below 400.
        last_answer: What the last look saw, for a person.
    """

    healthy: bool
    last_answer: str


async def wait_until_healthy(
    url: str,
    *,
    timeout: float,  # noqa: ASYNC109 -- a deadline that ends in a verdict
    gives_up: Callable[[], bool],
    is_own: Callable[[], bool],
) -> Verdict:
    """Look at ``url`` until it answers with a status below 400, ``gives_up()``, or ``timeout`` seconds are over.

    An answer counts only if ``is_own()``: before the instance listens on its port, another process may.
    """
    deadline = SYSTEM_CLOCK.monotonic() + timeout
    pause = _FIRST_PAUSE
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 -- plain HTTP on loopback
        while True:
            left = deadline - SYSTEM_CLOCK.monotonic()
            verdict = await _look(client, url, max(min(left, _ANSWER_TIMEOUT), _FIRST_PAUSE))
            if verdict.healthy and not await asyncio.to_thread(is_own):
                verdict = Verdict(healthy=False, last_answer="it was another process that answered on its port")
            left = deadline - SYSTEM_CLOCK.monotonic()
            if verdict.healthy or left <= 0 or gives_up():
                return verdict
            await asyncio.sleep(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)


async def _look(client: httpx.AsyncClient, url: str, patience: float) -> Verdict:
    try:
        async with asyncio.timeout(patience), client.stream("GET", url, timeout=patience) as response:
            if response.status_code < _FAILING:
                return Verdict(healthy=True, last_answer=f"status {response.status_code}")
            return Verdict(healthy=False, last_answer=f"status {response.status_code}: {await _beginning(response)}")
    except (TimeoutError, httpx.TimeoutException):
        return Verdict(healthy=False, last_answer=f"no answer within {patience:.1f} s")
    except httpx.ConnectError:
        return Verdict(healthy=False, last_answer="connection refused")
    except httpx.HTTPError as error:
        return Verdict(healthy=False, last_answer=f"no valid answer ({error or type(error).__name__})")


async def _beginning(response: httpx.Response) -> str:
    text = ""
    async for piece in response.aiter_text():
        text += piece
        if len(text) >= _SHOWN:
            break
    return " ".join(text[:_SHOWN].split())
