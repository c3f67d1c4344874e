"""Notifications as signed HTTP POSTs to an address of the user's."""

import asyncio
import json
import logging
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from euryale.cloud.providers.errors import (
    PermanentError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitedError,
)
from euryale.cloud.providers.notifier.contract import Notification
from euryale.cloud.providers.notifier.jsonlines import JsonLines
from euryale.cloud.providers.notifier.payload import payload
from euryale.cloud.providers.notifier.signature import DELIVERY_HEADER, SIGNATURE_HEADER, sign
from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.secret import Secret

DELIVERY_LOG: Final = "deliveries.jsonl"

_log = logging.getLogger("euryale.cloud.notifications")
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_LONGEST_WAIT: Final = 3600.0
_DEFAULT_WAIT: Final = 30.0


class WebhookNotifier:
    """POSTs each notification as JSON, signed, to one URL; a call is one attempt.

    The receiver checks ``Euryale-Signature`` with ``signature.verify`` and knows a repetition by
    ``Euryale-Delivery``, the notification's id. Redirects are not followed. Every attempt is written to
    ``deliveries.jsonl`` below ``root``, with the host and never the rest of the URL, which may be secret itself.

    Args:
        url: An http or https URL.
        secret: Signs the body; the receiver has the same.
        root: Where the delivery log is kept.
        limit: Seconds that an attempt may take in all.
        clock: Dates the signature and the log.

    Raises:
        PermanentError: If the URL is none that can be posted to.
    """

    def __init__(
        self, url: Secret | str, *, secret: Secret, root: Path, limit: float = 10.0, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._url = _checked(url if isinstance(url, str) else url.reveal())
        self._secret = secret
        self._limit = limit
        self._clock = clock
        self._lines = JsonLines(root / DELIVERY_LOG)

    async def notify(self, notification: Notification) -> None:
        """Deliver it: one POST.

        Raises:
            RateLimitedError: If the receiver names a time to wait.
            ProviderUnavailableError: If it does not answer, or answers 408, 425, 429 or 5xx.
            PermanentError: If it answers anything else but 2xx, or the data is no JSON.
        """
        started = self._clock.monotonic()
        status, error = await self._attempt(notification)
        await self._record(notification, started, status, error)
        if error is not None:
            raise error

    async def deliveries(self) -> list[dict[str, object]]:
        """Return the attempts that the log keeps, oldest first."""
        return await asyncio.to_thread(self._lines.records)

    async def _attempt(self, notification: Notification) -> tuple[int | None, ProviderError | None]:
        """Return the status of the answer, if there was one, and what is wrong with it."""
        try:
            return await self._post(notification.id, _body(notification))
        except PermanentError as refusal:
            return None, refusal
        except (TimeoutError, httpx.RequestError) as cause:
            reason = f"no answer within {self._limit:g} s" if isinstance(cause, TimeoutError) else _reason(cause)
            failure = ProviderUnavailableError(f"The webhook at {self._url.host} cannot be reached: {reason}.")
            failure.__cause__ = cause
            return None, failure

    async def _post(self, delivery: str, body: bytes) -> tuple[int, ProviderError | None]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Euryale-Webhook/1",
            DELIVERY_HEADER: delivery,
            SIGNATURE_HEADER: sign(body, self._secret, self._clock.now()),
        }
        async with (
            asyncio.timeout(self._limit),
            httpx.AsyncClient(timeout=None, follow_redirects=False) as client,  # noqa: S113 -- the line above
            client.stream("POST", self._url, content=body, headers=headers) as response,
        ):
            return response.status_code, self._refusal(response)

    def _refusal(self, response: httpx.Response) -> ProviderError | None:
        status = response.status_code
        if response.is_success:
            return None
        said = f"The webhook at {self._url.host} answered {status} {response.reason_phrase}".rstrip() + "."
        if status not in _PASSING and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            hint = "It does not want to be called any more." if status == HTTPStatus.GONE else "Check its URL."
            return PermanentError(said, hint=hint)
        wait = self._wait(response.headers.get("Retry-After", ""))
        if wait is None and status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = _DEFAULT_WAIT
        return ProviderUnavailableError(said) if wait is None else RateLimitedError(said, retry_after=wait)

    def _wait(self, header: str) -> float | None:
        """Return the seconds that ``Retry-After`` asks for, an hour at most; ``None`` if it says nothing."""
        if header.isascii() and header.isdigit():
            return min(float(header), _LONGEST_WAIT)
        try:
            until = parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return None
        aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
        return min(max((aware - self._clock.now()).total_seconds(), 0.0), _LONGEST_WAIT)

    async def _record(
        self, notification: Notification, started: float, status: int | None, error: ProviderError | None
    ) -> None:
        record = {
            "delivery": notification.id,
            "event": notification.event,
            "at": self._clock.now().isoformat(),
            "host": self._url.host,
            "status": status,
            "error": error.code if error is not None else None,
            "message": error.message if error is not None else None,
            "seconds": round(self._clock.monotonic() - started, 3),
        }
        try:
            await asyncio.to_thread(self._lines.append, record)
        except OSError:
            _log.exception("the delivery log cannot be written; %s was attempted", notification.id)


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise PermanentError("The webhook's URL cannot be read.") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise PermanentError("The webhook's URL must begin with http:// or https:// and name a host.")
    return parsed


def _body(notification: Notification) -> bytes:
    try:
        return json.dumps(payload(notification), ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise PermanentError(f"The data of notification {notification.id} is no JSON: {error}") from error


def _reason(error: httpx.RequestError) -> str:
    return f"{type(error).__name__} ({error})" if str(error) else type(error).__name__
