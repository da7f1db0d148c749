"""Runs jobs side by side until it is stopped, for the tests.

`job_worker.py FOLDER waits` runs two jobs, each with a process of its own beside it. A job that is told to stop saves
itself: it writes into FOLDER what told it.
`job_worker.py FOLDER stubborn` runs two jobs, each with a process of its own beside it, that do not heed what they are
told.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from occpred.cluster.job_queue import Job, run_side_by_side
from occpred.interruption import heeded, postponed, requested


def start_another() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])


def announce(folder: Path, number: int, other: subprocess.Popen[bytes]) -> None:
    """Write the numbers of the job's processes into a file, which appears when all is ready."""
    (folder / f"{number}.partial").write_text(f"{os.getpid()} {other.pid}")
    (folder / f"{number}.partial").rename(folder / f"{number}.processes")


def waits(folder: Path, number: int) -> None:
    with postponed():
        announce(folder, number, start_another())
        while not requested():
            time.sleep(0.01)
        (folder / f"{number}.saved").write_text(signal.Signals(requested()).name)


def stubborn(folder: Path, number: int) -> None:
    import __main__  # the job's first process: it need not wait for half a minute in a test

    __main__.SECONDS_TO_SAVE = 0.1
    other = start_another()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    announce(folder, number, other)
    time.sleep(1000)


def job(work: Callable[[Path, int], None], folder: Path, number: int) -> Job:
    return Job(lambda: work(folder, number), folder / f"{number}.log")


if __name__ == "__main__":
    root, what = Path(sys.argv[1]), {"waits": waits, "stubborn": stubborn}[sys.argv[2]]
    with heeded(signal.SIGTERM):
        run_side_by_side([job(what, root, 0), job(what, root, 1), job(what, root, 2)], [{}, {}], lambda *_: None)
