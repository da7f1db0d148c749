"""The least of HTTP/1.1 that the tests' servers need, with a hand on the connection itself, and fast.

A server runs in a process of its own (`python -m tests.servers.<name> <options as JSON>`), says on standard output
where it listens, and ends when its standard input closes: with the process that started it, however that one ends.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class HttpRequest:
    """One request; header names are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpReply:
    """One reply, as it should arrive."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def head(self) -> bytes:
        """Status line and headers."""
        fields = {"Content-Type": "application/json", **self.headers, "Content-Length": str(len(self.body))}
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}", *map(": ".join, fields.items())]
        return "\r\n".join(lines).encode() + HEAD_END


def json_reply(status: int, content: Any, **headers: str) -> HttpReply:
    """A reply that carries `content`; underscores in header names stand for hyphens."""
    return HttpReply(status, json.dumps(content).encode(), {name.replace("_", "-"): headers[name] for name in headers})


class Connection(asyncio.Protocol):
    """One client's connection: hands over its requests one after another."""

    def __init__(self, serve: Callable[[HttpRequest, Connection], Awaitable[None] | None]) -> None:
        self._serve = serve
        self._received = b""
        self._task: asyncio.Future[None] | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(HEAD_END)
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._received = rest[length:]
        method, path, _ = first.split(" ")
        answering = self._serve(HttpRequest(method, path, headers, rest[:length]), self)
        if answering:
            self._task = asyncio.ensure_future(answering)
            self._task.add_done_callback(self._after)

    def _after(self, task: asyncio.Future[None]) -> None:
        if not task.cancelled() and task.exception() and not self.is_lost:
            self.reset()  # so that nobody waits for an answer that will not come

    @property
    def is_lost(self) -> bool:
        """Whether the client has gone."""
        return self.transport.is_closing()

    def send(self, reply: HttpReply) -> None:
        """Send all of it."""
        self.transport.write(reply.head() + reply.body)

    def reset(self) -> None:
        """Break the connection off so that the client sees a reset, not an orderly end."""
        link = self.transport.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


async def run(serve: Callable[[HttpRequest, Connection], Awaitable[None] | None]) -> None:
    """Serve on a free port of the loopback interface until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it ends it, also after Ctrl-C
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(serve), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
