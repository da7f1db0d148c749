"""An OpenAI-compatible server whose answers follow from the requests alone, and which counts what it is asked.

A request with a JSON schema, in `response_format` or in the text of its messages, is answered with JSON that fits,
every other one with `<think>...</think><answer>...</answer>`; the values come from a hash of the request. Nothing is
kept between requests but counts, so equal requests have equal answers whenever and however often they come.

`GET /stats` gives: `requests`, how many questions came; `asked` and `delivered`, by `Idempotency-Key` (or by a hash of
the body, where there is none) how often it came and how often an answer was sent whole to a client still there;
`bodies`, by hash of the body how often it came; `most_in_flight`, how many were waiting at the same time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.servers.fitting import fitting, words
from tests.servers.http_service import Connection, HttpReply, HttpRequest, json_reply, run
from tests.servers.server_process import RunningServer, running

TITLES = ("Registered Nurses", "Software Developers", "Chief Executives", "Accountants and Auditors", "Bus Drivers")
CHARACTERS_OF_A_TOKEN = 4


@contextmanager
def scripted_server(
    *,
    latency_seconds: float = 0.0,
    malformed: float = 0.0,
    incorrigible: float = 0.0,
    refused: float = 0.0,
    api_key: str = "",
) -> Iterator[RunningServer]:
    """Run one.

    Args:
        latency_seconds: how long each answer takes; any number of requests wait at the same time.
        malformed: share of first askings (requests in which the assistant has said nothing yet) that are answered
            with bad JSON, without tags or cut; when asked again, these are answered well.
        incorrigible: share of first askings that are answered so, however often they are asked again.
        refused: share of first askings that are refused for good, with status 400.
        api_key: what clients must show, where it is not empty. Refusals repeat a wrong one, as real servers do.
    """
    options = {
        "latency_seconds": latency_seconds,
        "malformed": malformed,
        "incorrigible": incorrigible,
        "refused": refused,
        "api_key": api_key,
    }
    with running("scripted_server", **options) as server:
        yield server


@dataclass
class Counts:
    """What `GET /stats` gives."""

    requests: int = 0
    most_in_flight: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    bodies: Counter[str] = field(default_factory=Counter)


@dataclass
class ScriptedServer:
    """Serves connections; the options are those of `scripted_server`."""

    latency_seconds: float
    malformed: float
    incorrigible: float
    refused: float
    api_key: str
    counts: Counts = field(default_factory=Counts)
    in_flight: int = 0

    def serve(self, request: HttpRequest, connection: Connection) -> None:
        """Answer one request, now or when it is time."""
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                self._serve_question(request, connection)
            case "GET", "/v1/models":
                connection.send(json_reply(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]}))
            case "GET", "/stats":
                connection.send(json_reply(200, vars(self.counts)))
            case "POST", "/reset":
                self.counts = Counts()
                connection.send(json_reply(200, {}))
            case _:
                connection.send(error(404, f"no such page: {request.path}"))

    def _serve_question(self, request: HttpRequest, connection: Connection) -> None:
        body = json.loads(request.body)
        digest = hash_of(body)
        key = request.headers.get("idempotency-key", digest)
        self.counts.requests += 1
        self.counts.asked[key] += 1
        self.counts.bodies[digest] += 1
        self.in_flight += 1
        self.counts.most_in_flight = max(self.counts.most_in_flight, self.in_flight)
        reply = self._reply(body, digest, request.headers.get("authorization", ""))
        if self.latency_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(self.latency_seconds, self._deliver, key, reply, connection)
        else:
            self._deliver(key, reply, connection)

    def _deliver(self, key: str, reply: HttpReply, connection: Connection) -> None:
        self.in_flight -= 1
        if not connection.is_lost:
            connection.send(reply)
            self.counts.delivered[key] += reply.status == 200

    def _reply(self, body: Mapping[str, Any], digest: str, authorization: str) -> HttpReply:
        if self.api_key and authorization != f"Bearer {self.api_key}":
            shown = authorization.removeprefix("Bearer ")
            return error(401, f"Incorrect API key provided: {shown}.", code="invalid_api_key")
        if is_refused(body, self.refused):
            return error(400, "The prompt was flagged by our content policy.", code="content_filter")
        first = first_asking(body)
        fate = random.Random(f"malformed {hash_of(first)}").random()
        is_malformed = fate < self.incorrigible or (first == body and fate < self.incorrigible + self.malformed)
        return completion(body, random.Random(digest), is_malformed=is_malformed)


def hash_of(body: Any) -> str:
    """The same for equal bodies, however they are written."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def first_asking(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request as it was before the assistant said anything."""
    said = [message["role"] for message in body["messages"]]
    return {**body, "messages": body["messages"][: said.index("assistant")]} if "assistant" in said else body


def is_refused(body: Mapping[str, Any], share: float) -> bool:
    """Whether a server that refuses such a share of first askings refuses this one."""
    return random.Random(f"refused {hash_of(first_asking(body))}").random() < share


def error(status: int, message: str, *, code: str | None = None) -> HttpReply:
    """An error in OpenAI's form."""
    return json_reply(status, {"error": {"message": message, "type": "error", "param": None, "code": code}})


def completion(body: Mapping[str, Any], draw: random.Random, *, is_malformed: bool) -> HttpReply:
    """The answer to `body`."""
    asked = "\n".join(message["content"] for message in body["messages"])
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    found = schema or schema_in(asked)
    text = json.dumps(fitting(found, draw)) if found else reason(draw)
    if found and not schema:
        text = f"Here is what I think.\n```json\n{text}\n```\nI hope that helps."
    finish_reason = "stop"
    if is_malformed:
        text, finish_reason = spoilt(text, draw)
    for stop in [body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or []:
        text = text.partition(stop)[0]
    most = CHARACTERS_OF_A_TOKEN * (body.get("max_completion_tokens") or body.get("max_tokens") or len(text))
    if len(text) > most:
        text, finish_reason = text[:most], "length"
    read, written = len(asked) // CHARACTERS_OF_A_TOKEN + 1, len(text) // CHARACTERS_OF_A_TOKEN + 1
    message = {"role": "assistant", "content": text, "refusal": None}
    return json_reply(
        200,
        {
            "id": f"chatcmpl-{draw.getrandbits(64):016x}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
            "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        },
    )


def reason(draw: random.Random) -> str:
    """A reason and an occupation, in the tags that prompts for reasons ask for."""
    return f"<think>After years of {words(16, draw)}, {words(8, draw)}.</think><answer>{draw.choice(TITLES)}</answer>"


def schema_in(text: str) -> Mapping[str, Any] | None:
    """The JSON schema of an object that stands in `text`, if one does."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            value, _ = decoder.raw_decode(text, start)
        except ValueError:
            value = None
        if isinstance(value, dict) and value.get("type") == "object" and "properties" in value:
            return value
        start = text.find("{", start + 1)
    return None


def spoilt(text: str, draw: random.Random) -> tuple[str, str]:
    """A malformed answer in place of `text`, and its finish reason."""
    half = text[: len(text) // 2]
    return draw.choice([(half, "length"), (words(12, draw), "stop"), ("", "stop"), (half + "{{", "stop")])


if __name__ == "__main__":
    asyncio.run(run(ScriptedServer(**json.loads(sys.argv[1])).serve))
