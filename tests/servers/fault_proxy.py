"""Our own fault-injecting proxy before any OpenAI-compatible server: it loses, spoils, delays and doubles answers.

Each attempt of a question meets at most one fault, drawn from the seed, the question's `Idempotency-Key` and the number
of the attempt, so it does not matter in which order attempts come. Like a paid service that honours that header, the
proxy asks the server behind it once per key, and repeats an answer that was lost on its way; so what is paid for is
what was `forwarded`. Questions without the header are forwarded each time. Everything but questions passes unharmed.

`GET /stats` gives: `attempts`, how many questions came; `faults`, by name how often each was injected; `forwarded`, by
key how often the server behind gave an answer.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from tests.servers.http_service import HEAD_END, Connection, HttpReply, HttpRequest, json_reply, run
from tests.servers.scripted_server import error, hash_of
from tests.servers.server_process import RunningServer, running


class Fault(Enum):
    """What may happen to one attempt."""

    # Before the server behind is asked:
    TOO_MANY = "429, Retry-After in seconds"
    TOO_MANY_UNTIL = "429, Retry-After as a date"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    RESET_BEFORE = "connection reset"
    # After it answered, so that its answer is lost on the way:
    BAD_GATEWAY = "502 in place of the answer"
    RESET_AFTER = "connection reset in place of the answer"
    STALLED = "a body that stops half-way for longer than clients wait"
    TRUNCATED = "a body that ends half-way"
    MALFORMED = "a whole body that is no JSON"
    EMPTY = "no choices"
    # Oddities with which the answer arrives:
    DRIBBLED = "a slow body, piece by piece"
    DOUBLED = "the same choice twice"
    ANOTHER = "a second, different choice"


EVERY_FAULT = tuple(Fault)


def fault_proxy(
    upstream: RunningServer,
    *,
    faults: Mapping[Fault, float],
    seed: int = 0,
    retry_after_seconds: float = 0.0,
    stall_seconds: float = 60.0,
) -> AbstractContextManager[RunningServer]:
    """Run one before `upstream`.

    Args:
        upstream: the server behind it.
        faults: the share of attempts that each fault meets, together at most 1.
        seed: of the faults.
        retry_after_seconds: what `TOO_MANY` asks clients to wait.
        stall_seconds: how long `STALLED` stops; let it be more than the client's time-out.
    """
    shares = {fault.name: share for fault, share in faults.items()}
    options = {"seed": seed, "retry_after_seconds": retry_after_seconds, "stall_seconds": stall_seconds}
    return running("fault_proxy", upstream=upstream.url, faults=shares, **options)


def evenly(share: float) -> dict[Fault, float]:
    """Every fault equally often, `share` of all attempts together."""
    return dict.fromkeys(EVERY_FAULT, share / len(EVERY_FAULT))


class Upstream:
    """The server behind, and connections to it that are kept open."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: HttpRequest) -> HttpReply:
        """Forward `request`."""
        reader, writer = await self._connection()
        dropped = ("host", "connection", "accept-encoding", "content-length")
        kept = {name: value for name, value in request.headers.items() if name not in dropped}
        fields = {**kept, "host": self._address.netloc, "content-length": str(len(request.body))}
        lines = [f"{request.method} {request.path} HTTP/1.1", *map(": ".join, fields.items())]
        writer.write("\r\n".join(lines).encode() + HEAD_END + request.body)
        first, *answered = (await reader.readuntil(HEAD_END)).decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in answered)}
        body = await reader.readexactly(int(headers.pop("content-length")))
        self._idle.append((reader, writer))
        return HttpReply(int(first.split(" ")[1]), body, {"Content-Type": headers["content-type"]})

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():  # servers close connections that were idle for long
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._address.hostname, self._address.port)


@dataclass
class Counts:
    """What `GET /stats` gives."""

    attempts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    forwarded: Counter[str] = field(default_factory=Counter)


class FaultProxy:
    """Serves connections; the options are those of `fault_proxy`."""

    def __init__(
        self, upstream: str, faults: Mapping[str, float], seed: int, retry_after_seconds: float, stall_seconds: float
    ) -> None:
        self._upstream = Upstream(upstream)
        self._shares = {Fault[name]: share for name, share in faults.items()}
        self._seed = seed
        self._retry_after = retry_after_seconds
        self._stall_seconds = stall_seconds
        self._forget()

    def _forget(self) -> None:
        self._counts = Counts()
        self._attempts: Counter[str] = Counter()
        self._answers: dict[str, asyncio.Task[HttpReply]] = {}

    def serve(self, request: HttpRequest, connection: Connection) -> Awaitable[None] | None:
        """Answer one request, or not."""
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                return self._serve_question(request, connection)
            case "GET", "/stats":
                connection.send(json_reply(200, vars(self._counts)))
            case "POST", "/reset":
                self._forget()
                connection.send(json_reply(200, {}))
            case _:
                return self._pass_on(request, connection)
        return None

    async def _pass_on(self, request: HttpRequest, connection: Connection) -> None:
        connection.send(await self._upstream.ask(request))

    async def _serve_question(self, request: HttpRequest, connection: Connection) -> None:
        key = request.headers.get("idempotency-key", "")
        fault = self._draw(key or hash_of(json.loads(request.body)))
        if fault in BEFORE:
            BEFORE[fault](connection, self._retry_after)
            return
        answer = await self._answer(request, key)
        if fault is None or answer.status != 200:
            connection.send(answer)
        elif fault is Fault.STALLED:
            await in_pieces(connection, answer, pieces=2, pause_seconds=self._stall_seconds)
        elif fault is Fault.DRIBBLED:
            await in_pieces(connection, answer, pieces=8, pause_seconds=0.005)
        else:
            AFTER[fault](connection, answer)

    def _draw(self, question: str) -> Fault | None:
        self._counts.attempts += 1
        self._attempts[question] += 1
        point = random.Random(f"{self._seed}/{question}/{self._attempts[question]}").random()
        for fault, share in self._shares.items():
            if point < share:
                self._counts.faults[fault.name] += 1
                return fault
            point -= share
        return None

    async def _answer(self, request: HttpRequest, key: str) -> HttpReply:
        """What the server behind says, or said: attempts that come while it is being asked share its answer."""
        asking = self._answers.get(key) or asyncio.create_task(self._forward(request, key))
        if key:
            self._answers[key] = asking
        return await asyncio.shield(asking)  # a client that goes away does not stop the server behind

    async def _forward(self, request: HttpRequest, key: str) -> HttpReply:
        is_paid = False
        try:
            reply = await self._upstream.ask(request)
            is_paid = reply.status == 200
        finally:
            if is_paid:
                self._counts.forwarded[key] += 1
            else:
                self._answers.pop(key, None)  # only what was paid for is repeated from memory
        return reply


async def in_pieces(connection: Connection, answer: HttpReply, *, pieces: int, pause_seconds: float) -> None:
    """Send `answer` with pauses in it."""
    size = len(answer.body) // pieces + 1
    connection.transport.write(answer.head())
    for start in range(0, len(answer.body), size):
        connection.transport.write(answer.body[start : start + size])
        await asyncio.sleep(pause_seconds)


def too_many(connection: Connection, seconds: float) -> None:
    connection.send(replace(error(429, "Too many requests."), headers={"Retry-After": f"{seconds:g}"}))


def too_many_until(connection: Connection, seconds: float) -> None:
    date = formatdate(time.time() + seconds, usegmt=True)
    connection.send(replace(error(429, "Too many requests."), headers={"Retry-After": date}))


BEFORE: dict[Fault | None, Callable[[Connection, float], None]] = {
    Fault.TOO_MANY: too_many,
    Fault.TOO_MANY_UNTIL: too_many_until,
    Fault.SERVER_ERROR: lambda connection, _: connection.send(error(500, "Something went wrong.")),
    Fault.UNAVAILABLE: lambda connection, _: connection.send(error(503, "The server is overloaded.")),
    Fault.RESET_BEFORE: lambda connection, _: connection.reset(),
}


def truncate(connection: Connection, answer: HttpReply) -> None:
    connection.transport.write(answer.head() + answer.body[: len(answer.body) // 2])
    connection.transport.close()


def malform(connection: Connection, answer: HttpReply) -> None:
    connection.send(replace(answer, body=answer.body.replace(b":", b"", 1)))


def with_choices(connection: Connection, answer: HttpReply, change: Callable[[list[Any]], list[Any]]) -> None:
    completion = json.loads(answer.body)
    completion["choices"] = change(completion["choices"])
    connection.send(replace(answer, body=json.dumps(completion).encode()))


def another(choices: list[Any]) -> list[Any]:
    return [*choices, {"index": 1, "message": {"role": "assistant", "content": "No."}, "finish_reason": "stop"}]


AFTER: dict[Fault, Callable[[Connection, HttpReply], None]] = {
    Fault.BAD_GATEWAY: lambda connection, _: connection.send(error(502, "The answer was lost.")),
    Fault.RESET_AFTER: lambda connection, _: connection.reset(),
    Fault.TRUNCATED: truncate,
    Fault.MALFORMED: malform,
    Fault.EMPTY: lambda connection, answer: with_choices(connection, answer, lambda choices: []),
    Fault.DOUBLED: lambda connection, answer: with_choices(connection, answer, lambda choices: choices * 2),
    Fault.ANOTHER: lambda connection, answer: with_choices(connection, answer, another),
}


if __name__ == "__main__":
    asyncio.run(run(FaultProxy(**json.loads(sys.argv[1])).serve))
