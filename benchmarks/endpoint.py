"""How fast questions are asked of an endpoint, against the least code that asks them with the same client.

All ask the scripted server of the tests, which runs in a process of its own, with the same number of requests in
flight. The bare loops have a semaphore and nothing else: one calls the client as its manual says, the other as we do,
past the client's own handling of parameters and answers. Ours has journal, limits and progress bar. They take turns, so
that what else the machine does falls on all alike.

Run with `make bench-endpoint`; options: `python -m benchmarks.endpoint --help`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import openai

from occpred.chat.endpoint import EndpointChat
from occpred.chat.request import ChatAnswer, ChatRequest, Message, Speaker
from tests.servers.scripted_server import scripted_server

LATENCIES_MS = (0, 20)
GOAL = 0.9
Send = Callable[[openai.AsyncOpenAI, dict[str, Any]], Awaitable[str]]
Ask = Callable[[EndpointChat, Sequence[ChatRequest]], None]


def requests_of(name: str, count: int) -> list[ChatRequest]:
    """So many requests, about as long as a prompt for a reason; other ones for each name."""
    text = "A timeline of education and employment, oldest entry first, of a person in this land. " * 15
    return [ChatRequest((Message(Speaker.USER, f"{text} {name} {number}"),), number) for number in range(count)]


async def send_by_manual(client: openai.AsyncOpenAI, body: dict[str, Any]) -> str:
    """As the client's manual says."""
    completion = await client.chat.completions.create(**body)
    return completion.choices[0].message.content or ""


async def send_plainly(client: openai.AsyncOpenAI, body: dict[str, Any]) -> str:
    """The same request, with the answer taken as it comes."""
    content = await client.post("/chat/completions", cast_to=bytes, body=body)
    return json.loads(content)["choices"][0]["message"]["content"]


def ask_bare(send: Send, chat: EndpointChat, requests: Sequence[ChatRequest]) -> None:
    """Ask in a bare loop."""
    bodies = [chat.body(request) for request in requests]

    async def ask_all() -> list[str]:
        free = asyncio.Semaphore(chat.concurrency)
        async with openai.AsyncOpenAI(base_url=chat.base_url, api_key="-", max_retries=0) as client:

            async def ask(body: dict[str, Any]) -> str:
                async with free:
                    return await send(client, body)

            return await asyncio.gather(*map(ask, bodies))

    assert all(asyncio.run(ask_all()))


def ask_by_manual(chat: EndpointChat, requests: Sequence[ChatRequest]) -> None:
    """Ask in the loop that the manual suggests."""
    ask_bare(send_by_manual, chat, requests)


def ask_plainly(chat: EndpointChat, requests: Sequence[ChatRequest]) -> None:
    """Ask in the fastest loop."""
    ask_bare(send_plainly, chat, requests)


def ask_ours(chat: EndpointChat, requests: Sequence[ChatRequest]) -> None:
    """Ask as teachers and judges do, with an empty journal."""
    with tempfile.TemporaryDirectory() as journals:
        answers = chat.answer(requests, Path(journals), "benchmark")
    assert all(isinstance(answer, ChatAnswer) for answer in answers)


def rate(ask: Ask, chat: EndpointChat, name: str, count: int) -> float:
    """Requests per second."""
    requests = requests_of(f"{name} {ask.__name__}", count)
    start = time.perf_counter()
    ask(chat, requests)
    return count / (time.perf_counter() - start)


def measure(latency_ms: int, count: int, repeats: int, concurrency: int) -> dict[str, float]:
    """Medians at one latency of the server."""
    ways = (ask_by_manual, ask_plainly, ask_ours)
    with scripted_server(latency_seconds=latency_ms / 1000) as server:
        chat = EndpointChat(model="scripted", base_url=server.base_url, concurrency=concurrency)
        for ask in ways:
            rate(ask, chat, "warm-up", count // 5)
        rounds = [[rate(ask, chat, f"{number}", count) for ask in ways] for number in range(repeats)]
    by_manual, plainly, ours = map(statistics.median, zip(*rounds, strict=True))
    return {
        "latency_ms": latency_ms,
        "by_manual_per_second": by_manual,
        "plainly_per_second": plainly,
        "ours_per_second": ours,
        "ours_to_by_manual": statistics.median(ours / by_manual for by_manual, _, ours in rounds),
        "ours_to_plainly": statistics.median(ours / plainly for _, plainly, ours in rounds),
    }


def main() -> None:
    """Measure, and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1500, help="requests in each measurement")
    parser.add_argument("--repeats", type=int, default=7, help="measurements of each kind")
    parser.add_argument("--concurrency", type=int, default=64, help="requests in flight")
    options = parser.parse_args()
    rows = [measure(latency, options.requests, options.repeats, options.concurrency) for latency in LATENCIES_MS]
    machine = {"python": platform.python_version(), "processor": platform.machine(), "cores": os.cpu_count()}
    versions = {name: version(name) for name in ("openai", "pydantic")}
    print("| server's latency | bare loop, as in the manual | bare loop, our call | ours | ratio | ratio to our call |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        by_manual, plainly, ours = (row[f"{name}_per_second"] for name in ("by_manual", "plainly", "ours"))
        print(
            f"| {row['latency_ms']} ms | {by_manual:.0f}/s | {plainly:.0f}/s | {ours:.0f}/s "
            f"| {row['ours_to_by_manual']:.3f} | {row['ours_to_plainly']:.3f} |"
        )
    print(json.dumps({**vars(options), **machine, **versions, "rows": rows}))
    if min(row["ours_to_by_manual"] for row in rows) < GOAL:
        raise SystemExit(f"below the goal of {GOAL:.0%}")


if __name__ == "__main__":
    main()
