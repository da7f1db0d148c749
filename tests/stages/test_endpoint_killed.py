"""`kill -9` while oracle reasons are made by an endpoint, and the same command again."""

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

from occpred.chat.endpoint import EndpointChat
from tests.servers.scripted_server import scripted_server
from tests.servers.server_process import RunningServer
from tests.stages.conftest import SMALL

WORKER = Path(__file__).with_name("endpoint_worker.py")
LATENCY_SECONDS = 0.03
KILLS = 10


class Worker:
    """Makes the selected reasons, as often as it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._hears, self._says = process.stdin, process.stdout

    def start(self, store: Path) -> int:
        """Begin; returns whom to kill."""
        print(store, file=self._hears, flush=True)
        said, pid = self._said()
        assert said == "begins"
        return int(pid)

    def wait(self) -> int:
        """The exit code, negative where a signal ended it."""
        said, code = self._said()
        assert said == "ended"
        return int(code)

    def _said(self) -> tuple[str, str]:
        while line := self._says.readline():
            first, _, second = line.strip().partition(" ")
            if first in ("begins", "ended"):
                return first, second
        raise AssertionError("the worker is gone")


@contextmanager
def worker_for(server: RunningServer) -> Iterator[Worker]:
    settings = (f"base_url={server.base_url}", "model=scripted", "concurrency=8")
    endpoint = [f"{role}.chat.{setting}" for role in ("teacher", "judge") for setting in settings]
    few = ["careers.num_people=50", "teacher=endpoint", "judge=endpoint", "teacher.num_candidates=2"]
    command = [sys.executable, str(WORKER), *SMALL, *few, *endpoint]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True) as process:
        yield Worker(process)


def wait_for_requests(server: RunningServer, count: int) -> None:
    deadline = time.monotonic() + 120
    while server.stats()["requests"] < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def results(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.glob("*/*/*.jsonl")}


def test_what_is_killed_ten_times_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    options = {"latency_seconds": LATENCY_SECONDS, "malformed": 0.1, "refused": 0.02}
    with scripted_server(**options) as server, worker_for(server) as worker:
        worker.start(tmp_path / "whole")
        assert worker.wait() == 0
        plan = server.stats()["bodies"]
        assert set(plan.values()) == {1}

        server.reset()
        journal = EndpointChat(model="scripted", base_url=server.base_url).journal(tmp_path / "killed" / "journals")
        asked_before: dict[str, int] = {}  # of what was on disk when a process died, how often it had been asked
        for number in range(KILLS):
            # Somewhere in the next eleventh of the plan, so that there is always something left to be killed in.
            pid = worker.start(tmp_path / "killed")
            wait_for_requests(server, number * len(plan) // (KILLS + 1) + random.randint(1, len(plan) // (KILLS + 1)))
            time.sleep(random.uniform(0, LATENCY_SECONDS))
            os.kill(pid, signal.SIGKILL)
            assert worker.wait() == -signal.SIGKILL, "it ended before it could be killed"
            asked = server.stats()["asked"]
            asked_before |= {key: asked[key] for key in journal.find(asked) if key not in asked_before}
        worker.start(tmp_path / "killed")
        assert worker.wait() == 0
        asked, bodies = server.stats()["asked"], server.stats()["bodies"]

    whole, killed = results(tmp_path / "whole"), results(tmp_path / "killed")
    assert {Path(name).name for name in whole} >= {
        "reasons.jsonl",
        "judged.jsonl",
        "selected.jsonl",
        "calls.jsonl",
        "rejected.jsonl",
    }
    assert killed == whole
    assert bodies.keys() == plan.keys()
    assert 0 < len(asked_before) < len(plan)
    assert {key: asked[key] for key in asked_before} == asked_before, "an answer that was on disk was asked for again"
