"""The connection to a platform: requests, answers, errors, and streams that are taken up again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import BaseModel

from euryale.cloud.client.answers import error_of, error_of_stream, is_loopback, read_model, unreachable
from euryale.cloud.client.errors import PlatformError
from euryale.cloud.client.streams import Received, read_events
from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.secret import Secret

M = TypeVar("M", bound=BaseModel)
Query = Mapping[str, str | int | bool | list[str] | None]
Resume = Callable[[], tuple[Query, Mapping[str, str]]]

_PREFIX: Final = "/api/v1"
_CONNECT_WITHIN: Final = 10.0
_ANSWER_WITHIN: Final = 900.0  # a deployment waits until the one before it is undone
_SILENCE: Final = 45.0  # the platform says every 15 seconds that it is alive
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 3.0


class Connection:
    """Asks a platform.

    Args:
        url: The platform's address, such as ``http://127.0.0.1:7400``.
        token: The API token.
        transport: What carries requests; default: the network.
        patience: Seconds for which a stream that broke is tried again before that is an error.
        clock: Measures that time.
    """

    def __init__(
        self,
        url: str,
        token: Secret,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: float = 60.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.url = url.rstrip("/")
        self._patience = patience
        self._clock = clock
        self._http = httpx.AsyncClient(
            base_url=self.url + _PREFIX,
            headers={"Authorization": f"Bearer {token.reveal()}"},
            timeout=httpx.Timeout(_ANSWER_WITHIN, connect=_CONNECT_WITHIN),
            trust_env=not is_loopback(url),
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        model: type[M],
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> M:
        """Send a request and return its answer.

        Raises:
            PlatformError: If the platform refuses, fails or does not answer.
        """
        answer = await self.send(method, path, query=query, body=body, headers=headers)
        return read_model(answer, model)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request and return its answer, whatever it holds.

        Raises:
            PlatformError: If the platform refuses, fails or does not answer.
        """
        try:
            answer = await self._http.request(method, path, params=_given(query), json=body, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise unreachable(self.url, error) from error
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise error_of(answer)
        return answer

    async def stream(self, path: str, resume: Resume) -> AsyncIterator[Received]:
        """Yield the events of a stream; one that breaks is asked for again, from where ``resume`` says.

        It goes on until the caller stops, because only the caller knows which event is the last.

        Args:
            path: The path.
            resume: Gives the query and the headers with which to go on; asked at each connection.

        Raises:
            PlatformError: If the platform refuses, the stream reports an error, or the platform does not answer for
                as long as the connection is patient.
        """
        wait, lost_at = _FIRST_WAIT, self._clock.monotonic()
        while True:
            problem: Exception | None = None
            try:
                async for event in self._events(path, resume):
                    wait, lost_at = _FIRST_WAIT, self._clock.monotonic()
                    yield event
            except httpx.TransportError as error:
                problem = error
            except PlatformError as error:
                if error.status != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise
                problem = error
            if self._clock.monotonic() - lost_at > self._patience:
                raise unreachable(self.url, problem or ConnectionError("it ends every answer at once")) from problem
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _events(self, path: str, resume: Resume) -> AsyncIterator[Received]:
        query, headers = resume()
        timeout = httpx.Timeout(_SILENCE, connect=_CONNECT_WITHIN)
        asked = self._http.stream("GET", path, params=_given(query), headers=headers, timeout=timeout)
        async with asked as answer:
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                await answer.aread()
                raise error_of(answer)
            async for event in read_events(answer.aiter_lines()):
                if event.name == "error":
                    raise error_of_stream(event.data)
                yield event


def _given(query: Query | None) -> dict[str, Any]:
    return {name: value for name, value in (query or {}).items() if value is not None}
