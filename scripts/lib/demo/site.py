"""An application as a browser reaches it: through the router, by its host name."""

from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from demo.failures import DemoError

_TIMEOUT: Final = 60.0
_SHOWN: Final = 300


class Site:
    """An environment's address.

    Args:
        url: As the platform tells it, such as ``http://production.hello.localhost:7480``. The request goes to loopback
            with the name in its ``Host`` header: not every resolver knows ``*.localhost``.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{parts.port or 80}",
            headers={"host": parts.netloc},
            timeout=_TIMEOUT,
            trust_env=False,
        )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def status(self, path: str) -> int:
        """Return the status of a request, 0 if nobody answers."""
        try:
            return self._client.get(path).status_code
        except httpx.TransportError:
            return 0

    def text(self, path: str) -> str:
        """Return a page, redirections within it followed.

        Raises:
            DemoError: If it is not answered with 200.
        """
        return self._send("GET", path, {}, None, follow=True).text

    def ask(self, path: str, *, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Return the JSON that answers a request.

        Raises:
            DemoError: If it is not answered with success.
        """
        return self._send(method, path, headers or {}, body).json()

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: Any, *, follow: bool = False
    ) -> httpx.Response:
        try:
            answer = self._client.request(method, path, headers=headers, json=body, follow_redirects=follow)
        except httpx.TransportError as error:
            raise DemoError(f"{method} {self.url}{path}: nobody answers ({error})") from error
        if not answer.is_success:
            raise DemoError(f"{method} {self.url}{path}: {answer.status_code} {answer.text[:_SHOWN]}")
        return answer
