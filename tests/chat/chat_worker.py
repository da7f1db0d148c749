"""Asks a scripted server a plan of requests in processes that a test may kill.

`chat_worker.py URL` forks, for each line of its standard input, a process that has the whole plan answered, with its
journals and at last `answers.json` in the folder that the line names. It says who that is when it begins to ask, and
how it ended. Forks are used because loading the client takes longer than all the rest.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import openai

import occpred.chat.flow  # noqa: F401  (before the forks)
from occpred.chat.endpoint import EndpointChat
from occpred.chat.request import ChatRequest, Message, Speaker

REQUESTS = [ChatRequest((Message(Speaker.USER, f"Why, {number}?"),), seed=number) for number in range(300)]


def worker_chat(base_url: str) -> EndpointChat:
    return EndpointChat(model="scripted", base_url=base_url, concurrency=8)


def ask_all(base_url: str, folder: Path) -> None:
    print(f"asking {os.getpid()}", flush=True)
    answers = worker_chat(base_url).answer(REQUESTS, folder / "journals", "reason")
    (folder / "answers.json").write_text(json.dumps([asdict(answer) for answer in answers]))


if __name__ == "__main__":
    openai.AsyncOpenAI(api_key="-")  # loads what is loaded late
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            ask_all(sys.argv[1], Path(line.strip()))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)
