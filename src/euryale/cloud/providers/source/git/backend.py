"""Runs ``git http-backend`` for one request, streaming both ways; a pack is never held in memory."""

import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, TypeVar

from starlette.types import Receive, Send

from euryale.cloud.providers.source.git.command import end_group, git_program
from euryale.cloud.providers.source.git.http_request import parse_head

_CHUNK: Final = 64 * 1024
_MOST_SAID: Final = 4096

P = TypeVar("P")

_log = logging.getLogger("euryale.cloud.source.git")


class Backend:
    """One run of git's CGI program.

    Args:
        env: Its whole environment, CGI variables included.
        receive: Gives the request's body.
        send: Takes the answer.
        finishes: Whether it goes on to its end when the client goes away after the body was received: a push does.
    """

    def __init__(self, env: Mapping[str, str], receive: Receive, send: Send, *, finishes: bool) -> None:
        self._env = dict(env)
        self._receive = receive
        self._send_to_client = send
        self._finishes = finishes
        self._received = asyncio.Event()
        self._client_gone = False

    async def run(self, cwd: str) -> None:
        """Answer the request; when cancelled, the program and everything it started are ended."""
        process = await asyncio.create_subprocess_exec(
            git_program(),
            "http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._env,
            cwd=cwd,
            start_new_session=True,
        )
        helpers = [asyncio.create_task(self._feed(process)), asyncio.create_task(_overhear(process))]
        try:
            await self._answer(process)
            await process.wait()
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            if process.returncode is None:
                await end_group(process)

    async def _feed(self, process: asyncio.subprocess.Process) -> None:
        """Hand the body to the program; what it does not want is thrown away, so that the client reads the answer."""
        stdin = _pipe(process.stdin)
        try:
            while True:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    self._client_gone = True
                    await end_group(process)
                    return
                await _write(stdin, message.get("body", b""))
                if not message.get("more_body", False):
                    break
        finally:
            stdin.close()
            self._received.set()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._client_gone = True
        if not self._finishes:
            await end_group(process)

    async def _answer(self, process: asyncio.subprocess.Process) -> None:
        stdout = _pipe(process.stdout)
        head, body = await _read_head(stdout)
        status, headers = parse_head(head) if head else (HTTPStatus.INTERNAL_SERVER_ERROR, [])
        await self._send({"type": "http.response.start", "status": int(status), "headers": headers})
        while body:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            body = await stdout.read(_CHUNK)
        await self._received.wait()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, message: dict[str, object]) -> None:
        if self._client_gone:
            return
        try:
            await self._send_to_client(message)
        except OSError:
            self._client_gone = True


async def _write(stdin: asyncio.StreamWriter, body: bytes) -> None:
    try:
        stdin.write(body)
        await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        _log.debug("git has stopped reading; the rest of the body is thrown away")


async def _read_head(stdout: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the head of the answer and what was read of its body; an empty head if the program wrote none."""
    read = b""
    while chunk := await stdout.read(_CHUNK):
        read += chunk
        for end in (b"\r\n\r\n", b"\n\n"):
            head, found, body = read.partition(end)
            if found:
                return head, body or await stdout.read(_CHUNK)
        if len(read) > _CHUNK:
            break
    return b"", b""


async def _overhear(process: asyncio.subprocess.Process) -> None:
    stderr = _pipe(process.stderr)
    said = b""
    while chunk := await stderr.read(_CHUNK):
        said = (said + chunk)[-_MOST_SAID:]
    if said.strip():
        _log.info("git http-backend said: %s", said.decode(errors="replace").strip())


def _pipe(pipe: P | None) -> P:
    if pipe is None:
        raise RuntimeError("the process was started without this pipe")
    return pipe
