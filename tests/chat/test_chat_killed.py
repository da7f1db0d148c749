"""`kill -9` in the middle of asking, and the same command again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chat.chat_worker import REQUESTS, worker_chat
from tests.servers.scripted_server import scripted_server
from tests.servers.server_process import RunningServer

WORKER = Path(__file__).with_name("chat_worker.py")
LATENCY_SECONDS = 0.04
KILLS = 10


class Worker:
    """Asks all `REQUESTS`, as often as it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._hears, self._says = process.stdin, process.stdout

    def start(self, folder: Path) -> int:
        """Begin to ask; returns whom to kill."""
        print(folder, file=self._hears, flush=True)
        said, pid = self._says.readline().split()
        assert said == "asking"
        return int(pid)

    def wait(self) -> int:
        """The exit code, negative where a signal ended it."""
        said, code = self._says.readline().split()
        assert said == "ended"
        return int(code)


@contextmanager
def worker_for(server: RunningServer) -> Iterator[Worker]:
    command = [sys.executable, str(WORKER), server.base_url]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True) as process:
        yield Worker(process)


def wait_for_requests(server: RunningServer, count: int) -> None:
    deadline = time.monotonic() + 120
    while server.stats()["requests"] < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_asking_that_is_killed_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    with scripted_server(latency_seconds=LATENCY_SECONDS) as server, worker_for(server) as worker:
        chat = worker_chat(server.base_url)
        keys = list(map(chat.key, REQUESTS))
        journal = chat.journal(killed / "journals")
        worker.start(whole)
        assert worker.wait() == 0
        assert server.stats()["asked"] == dict.fromkeys(keys, 1)

        server.reset()
        asked_before: dict[str, int] = {}  # of what was on disk when a process died, how often it had been asked
        for _ in range(KILLS):
            before = server.stats()["requests"]
            pid = worker.start(killed)
            wait_for_requests(server, before + random.randint(0, 15))
            time.sleep(random.uniform(0, LATENCY_SECONDS))
            os.kill(pid, signal.SIGKILL)
            assert worker.wait() == -signal.SIGKILL, "it ended before it could be killed"
            asked = server.stats()["asked"]
            asked_before |= {key: asked[key] for key in journal.find(keys) if key not in asked_before}
        assert 0 < len(asked_before) < len(REQUESTS)
        worker.start(killed)
        assert worker.wait() == 0
        stats = server.stats()
    assert (killed / "answers.json").read_bytes() == (whole / "answers.json").read_bytes()
    assert stats["asked"].keys() == set(keys)
    assert len(stats["bodies"]) == len(REQUESTS)
    assert {key: stats["asked"][key] for key in asked_before} == asked_before
