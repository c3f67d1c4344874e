"""Caddy's admin API over its Unix socket."""

from pathlib import Path
from typing import Any

import httpx

from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError
from euryale.cloud.providers.router.caddy.config import Json

_TIMEOUT = 10.0
_NOT_FOUND = 404
_FAILED = 400
_OVERLOADED = 500
_REFUSAL = "loading new config"  # sent with status 500, though the configuration is at fault


class Admin:
    """Asks Caddy for its configuration, and for changes of it, which it makes whole or not at all.

    Args:
        socket: The Unix socket that Caddy answers on.
    """

    def __init__(self, socket: Path) -> None:
        transport = httpx.AsyncHTTPTransport(uds=str(socket), limits=httpx.Limits(max_keepalive_connections=0))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://caddy", timeout=_TIMEOUT)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def get(self, path: str) -> Any:
        """Return what is at ``path``; None if there is nothing."""
        answer = await self._send("GET", path)
        return None if answer.status_code == _NOT_FOUND else answer.json()

    async def load(self, document: Json) -> None:
        """Replace the whole configuration."""
        await self._change("POST", "/load", document)

    async def replace(self, path: str, value: Json) -> None:
        """Replace what is at ``path``."""
        await self._change("PATCH", path, value)

    async def insert(self, path: str, value: Json) -> None:
        """Insert into a list, in front of what is at ``path``."""
        await self._change("PUT", path, value)

    async def delete(self, path: str) -> None:
        """Delete what is at ``path``; what is gone is done."""
        answer = await self._send("DELETE", path)
        if answer.status_code != _NOT_FOUND:
            _check(answer)

    async def stop(self) -> None:
        """Let Caddy end."""
        await self._change("POST", "/stop", None)

    async def _change(self, method: str, path: str, value: Json | None) -> None:
        _check(await self._send(method, path, value))

    async def _send(self, method: str, path: str, value: Json | None = None) -> httpx.Response:
        try:
            return await self._client.request(method, path, json=value)
        except httpx.HTTPError as error:
            raise ProviderUnavailableError(
                f"The router does not answer ({error or type(error).__name__}).",
                hint="The platform starts it again by itself; its log is caddy.log in the router's directory.",
            ) from error


def _check(answer: httpx.Response) -> None:
    if answer.status_code < _FAILED:
        return
    if answer.status_code < _OVERLOADED or _REFUSAL in answer.text:
        raise PermanentError(f"The router refuses the configuration: {answer.text.strip()}")
    raise ProviderUnavailableError(f"The router failed: {answer.text.strip()}")
