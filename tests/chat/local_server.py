"""An endpoint in a thread of the test itself, which answers as the test says."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.servers.http_service import Connection, HttpReply, HttpRequest, json_reply


@dataclass(frozen=True)
class Arrival:
    """A request as it came."""

    time: float
    key: str
    body: dict[str, Any]
    authorization: str

    @property
    def text(self) -> str:
        """The last message."""
        return self.body["messages"][-1]["content"]


@dataclass
class LocalServer:
    """Where it listens, and what came."""

    base_url: str
    arrivals: list[Arrival] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """What was asked, in the order of arrival."""
        return [arrival.text for arrival in self.arrivals]


Serve = Callable[[Arrival, Connection], Awaitable[None] | None]


@contextmanager
def local_server(serve: Serve) -> Iterator[LocalServer]:
    """Run one whose requests are handed to `serve`."""
    loop = asyncio.new_event_loop()
    local = LocalServer("")

    def arrive(request: HttpRequest, connection: Connection) -> Awaitable[None] | None:
        headers, body = request.headers, json.loads(request.body)
        key, authorization = headers.get("idempotency-key", ""), headers.get("authorization", "")
        local.arrivals.append(Arrival(time.monotonic(), key, body, authorization))
        return serve(local.arrivals[-1], connection)

    server = loop.run_until_complete(loop.create_server(lambda: Connection(arrive), "127.0.0.1", 0))
    local.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield local
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.close()


def answer(text: str = "yes", *, read: int = 10, written: int = 5) -> HttpReply:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json_reply(200, {"choices": [choice], "usage": {"prompt_tokens": read, "completion_tokens": written}})


def error(status: int, message: str = "no", **details: Any) -> HttpReply:
    """An error in OpenAI's form."""
    return json_reply(status, {"error": {"message": message, **details}})


def answering(reply: Callable[[Arrival], HttpReply]) -> Serve:
    """To answer every request at once."""
    return lambda arrival, connection: connection.send(reply(arrival))
