"""The server of one application: it has its port before the application starts, and answers once that has."""

import errno
import os
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final

import uvicorn

from euryale.framework.http.errors import AddressError

_BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; who connects waits until somebody answers.

    Args:
        host: The address, or a name of one.
        port: The port; 0 takes a free one.

    Raises:
        AddressError: If it cannot be had.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressError(
                f"Port {port} of {host} is taken.", hint="Choose another one, or stop who has it."
            ) from error
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)
        raise AddressError(f"Nothing can listen at port {port} of {host}: {why}.") from error


def address_of(listener: socket.socket) -> str:
    """Return the address under which a listening socket is reached, such as ``http://127.0.0.1:8000``."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Serves an application that it starts and stops itself.

    Unlike with ASGI's lifespan, what goes wrong while the application starts is raised by :meth:`serve`.

    Args:
        config: Uvicorn's, with the lifespan off.
        running: Runs the application.
        ready: Called once requests are answered.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        running: Callable[[], AbstractAsyncContextManager[object]],
        ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._run_application = running
        self._ready = ready
        self._application = AsyncExitStack()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the process is asked to stop; then let open requests finish, and stop the application."""
        async with self._application:
            await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then answer."""
        await self._application.enter_async_context(self._run_application())
        if self.should_exit:  # asked to stop while it started
            await self._application.aclose()
            return
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop answering, then stop the application while signals are still caught."""
        await super().shutdown(sockets)
        if not self.force_exit:
            await self._application.aclose()
