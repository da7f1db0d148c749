"""Processes that contend for a lock, for the tests.

`lock_worker.py hold LOCK` takes the lock, says so and keeps it, without a heartbeat, until it is ended.
`lock_worker.py count LOCK COUNTER TIMES` adds 1 to the number in COUNTER, TIMES times, each in a process of its own.
`lock_worker.py die LOCK COUNTER TIMES` does the same, but each process is killed while it holds the lock.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from occpred.artifacts import lock
from occpred.artifacts.lock import Lock


def hold(path: Path) -> None:
    with Lock(path, heartbeat_seconds=1000):
        print("held", flush=True)
        time.sleep(1000)


def add_one(path: Path, counter: Path, *, die: bool) -> None:
    with Lock(path):
        number = int(counter.read_text())
        time.sleep(0.001)
        counter.write_text(str(number + 1))
        if die:
            os.kill(os.getpid(), signal.SIGKILL)


def in_child(path: Path, counter: Path, *, die: bool) -> None:
    child = os.fork()
    if child == 0:
        add_one(path, counter, die=die)
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    mode, path, *rest = sys.argv[1:]
    lock.LONGEST_PAUSE = 0.02
    if mode == "hold":
        hold(Path(path))
    else:
        for _ in range(int(rest[1])):
            in_child(Path(path), Path(rest[0]), die=mode == "die")
