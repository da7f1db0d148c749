"""A job in a process of its own.

A pipe joins the two: the job's result comes back through it, and it breaks when the process that started the job dies,
so that no job goes on for nobody. All processes of a job (ranks, workers that read data) form one group, which ends as
one.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from occpred.interruption import Interrupted, heeded

LOOK_EVERY_SECONDS = 0.1
SECONDS_TO_SAVE = 30
"""What jobs have that are told to stop."""
_SECONDS_TO_FOLLOW = 5
"""What the other processes of a job have to end by themselves when its first one has ended."""
_NO_SIGNAL = 0
"""Sent only to see whether there is somebody who could get one."""


class JobLostError(Exception):
    """A job's process ended without a result; says in one line how."""


class JobProcess:
    """Runs `work` in a process of its own.

    Args:
        work: takes nothing; it and what it returns can be pickled.
        log: the file to which standard output and error are appended; its folder is made.
        environment: variables to set beside those of this process.
    """

    def __init__(self, work: Callable[[], Any], log: Path, environment: Mapping[str, str]) -> None:
        import cloudpickle

        self._log = log
        self._received: bytes | None = None
        self._has_ended = False
        log.parent.mkdir(parents=True, exist_ok=True)
        self._pipe, others_end = multiprocessing.Pipe()
        # The work goes through a file, as a pipe would make this process wait until the other one reads.
        with tempfile.TemporaryFile() as pickled, log.open("ab") as output, others_end:
            cloudpickle.dump(work, pickled)
            pickled.seek(0)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-u", "-m", __name__, str(others_end.fileno())],
                stdin=pickled,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Modules come from the same places there and here.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
                pass_fds=[others_end.fileno()],
                start_new_session=True,
            )

    def has_ended(self) -> bool:
        """Whether the job's first process has ended; if so, the others are made to."""
        if self._has_ended:
            return True
        self._has_ended = self._process.poll() is not None
        with suppress(EOFError, OSError):
            if self._received is None and self._pipe.poll():
                self._received = self._pipe.recv_bytes()
        if self._has_ended:
            self._end_group()
        return self._has_ended

    def result(self) -> Any:
        """What the work returned. The job has ended.

        Raises:
            JobLostError: it returned nothing: it was killed, told to stop, or failed.
        """
        if self._received is None:
            raise JobLostError(f"{_how_it_ended(self._process.returncode)}; see {self._log}")
        return pickle.loads(self._received)  # from a process that this one started

    def end(self, how: signal.Signals) -> None:
        """Send a signal to all processes of the job, unless it has ended: its number may be another's by now."""
        if not self._has_ended:
            _signal(self._process.pid, how)

    def _end_group(self) -> None:
        group = self._process.pid
        _signal(group, signal.SIGTERM)
        deadline = time.monotonic() + _SECONDS_TO_FOLLOW
        while _signal(group, _NO_SIGNAL) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_SECONDS)
        _signal(group, signal.SIGKILL)


def stop(jobs: Sequence[JobProcess]) -> None:
    """Tell jobs to stop, give them time to save what they can go on from, and end those that are still there."""
    deadline = time.monotonic() + SECONDS_TO_SAVE
    try:
        for job in jobs:
            job.end(signal.SIGTERM)
        while time.monotonic() < deadline and [job for job in jobs if not job.has_ended()]:
            time.sleep(LOOK_EVERY_SECONDS)
    finally:  # at once, where the user is impatient
        for job in jobs:
            job.end(signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal to all processes of a group; say whether there are any."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # the second, on some systems, of those that only wait to be buried
        return False
    return True


def _how_it_ended(code: int) -> str:
    """Read the exit code of a process that gave no result: one of Python's, of a signal, or of a heeded signal."""
    heeded_signals = {Interrupted(each).code: each for each in signal.Signals}
    if code == -signal.SIGKILL:
        return "ended by SIGKILL, as where memory runs out"
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended by {heeded_signals[code].name}" if code in heeded_signals else f"ended with exit code {code}"


def main() -> None:
    """Be the job's first process."""
    pipe = Connection(int(sys.argv[1]))
    os.set_inheritable(pipe.fileno(), False)
    threading.Thread(target=_end_with, args=(pipe,), name="watch over the launcher", daemon=True).start()
    with heeded(signal.SIGTERM):
        work = pickle.load(sys.stdin.buffer)
        result = pickle.dumps(work())
    pipe.send_bytes(result)


def _end_with(pipe: Connection) -> None:
    """End this job when the process that started it has died: nothing else ever comes out of the pipe."""
    pipe.poll(None)
    os.killpg(0, signal.SIGTERM)
    time.sleep(SECONDS_TO_SAVE)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
