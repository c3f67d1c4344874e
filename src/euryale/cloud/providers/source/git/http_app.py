"""``git push`` and ``git clone`` at the platform's own repositories: smart HTTP as an ASGI application."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from euryale.cloud.providers.source.git.backend import Backend
from euryale.cloud.providers.source.git.http_request import GitRequest, Refusal, Service, parse_request
from euryale.cloud.providers.source.git.remote import GitRemotes
from euryale.cloud.providers.source.remotes import Push
from euryale.kit.ids import new_id
from euryale.kit.secret import Secret

Authorize = Callable[[str, Secret, str, Service], Awaitable[bool]]
OnPush = Callable[[Push], Awaitable[None]]

_log = logging.getLogger("euryale.cloud.source.git")


class GitHttpApp:
    """An ASGI application to be mounted, for instance under ``/git``.

    A push to a repository that does not exist makes it, if ``authorize`` agrees. Each push that was taken is handed
    to ``on_push`` after its answer, and is pending until ``on_push`` has returned: the platform calls
    :meth:`deliver` at start and by the clock for those that a kill or an error left.

    Args:
        remotes: The repositories.
        authorize: Given user, password, repository and service, says whether that may be; git sends an API token
            as the password, with any user.
        on_push: Told of each push at least once, under one id; it should only write down what is to be done.
        greeting: A line for whoever pushed, ``{name}`` being the repository's name, such as where to watch.
        limit: Seconds that one request may take.
    """

    def __init__(
        self,
        remotes: GitRemotes,
        *,
        authorize: Authorize,
        on_push: OnPush,
        greeting: str = "",
        limit: float = 3600.0,
    ) -> None:
        self._remotes = remotes
        self._authorize = authorize
        self._on_push = on_push
        self._greeting = greeting
        self._limit = limit
        self._delivering = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"git speaks HTTP, not {scope['type']}")
        request = parse_request(scope)
        if isinstance(request, Refusal):
            await _refuse(send, request)
            return
        if (refusal := await self._admit(request)) is not None:
            await _refuse(send, refusal)
            return
        await self._run(request, receive, send)
        if request.pushes:
            await self.deliver(request.name)

    async def deliver(self, name: str | None = None) -> int:
        """Hand every pending push (of one repository, if named) to ``on_push``, oldest first.

        A push whose ``on_push`` fails is logged and stays pending.

        Returns:
            How many were handed over.
        """
        delivered = 0
        async with self._delivering:
            for push in await self._remotes.pending(name):
                try:
                    await self._on_push(push)
                except Exception:  # noqa: BLE001 -- whatever it is, the push stays pending
                    _log.exception("push %s to %s could not be acted upon; it stays pending", push.id, push.name)
                else:
                    await self._remotes.done(push.id)
                    delivered += 1
        return delivered

    async def _admit(self, request: GitRequest) -> Refusal | None:
        credentials = request.credentials()
        if credentials is None:
            return Refusal(HTTPStatus.UNAUTHORIZED, "Give an API token as the password, with any user name.")
        user, password = credentials
        if not await self._authorize(user, password, request.name, request.service):
            return Refusal(HTTPStatus.UNAUTHORIZED, "The token is not known, or may not do this here.")
        if request.service == "git-receive-pack":
            await self._remotes.create(request.name)
        elif not self._remotes.exists(request.name):
            return Refusal(HTTPStatus.NOT_FOUND, "There is no repository at this address.")
        return None

    async def _run(self, request: GitRequest, receive: Receive, send: Send) -> None:
        env = self._remotes.env | request.cgi(str(self._remotes.root)) | self._for_the_hooks(request)
        backend = Backend(env, receive, send, finishes=request.pushes)
        async with asyncio.timeout(self._limit):
            await backend.run(str(self._remotes.root))

    def _for_the_hooks(self, request: GitRequest) -> dict[str, str]:
        return {
            "EURYALE_GREETING": self._greeting.replace("{name}", request.name),
            "EURYALE_PUSH": new_id("push"),
            "EURYALE_REPOSITORY": request.name,
            "EURYALE_SPOOL": str(self._remotes.spool.root),
        }


async def _refuse(send: Send, refusal: Refusal) -> None:
    body = f"{refusal.text}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if refusal.status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Basic realm="Euryale", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": int(refusal.status), "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
