"""Logs steps until it is told to stop, in a process of its own for tests that end it; options as JSON.

`folder` is the run's; it goes on from `first_step`, and ends by itself before `end` unless it is `null`. After SIGTERM
it still logs `more` steps, as a training that saves its state before it ends. `file_size_limit` is a disk that is full.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from itertools import count
from pathlib import Path

from occpred.interruption import heeded, honour, postponed, requested
from occpred.tracking.wandb_tracking import WandbTracking
from tests.tracking.conftest import RUN


def work(folder: str, first_step: int = 1, end: int | None = None, more: int = 3, file_size_limit: int = 0) -> None:
    if file_size_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_limit, file_size_limit))
    with heeded(signal.SIGTERM), postponed(), WandbTracking().open(RUN, {}, Path(folder)) as tracker:
        for step in count(first_step) if end is None else range(first_step, end):
            tracker.log_metrics({"loss": 100.0 - step}, step)
            if step == first_step:
                print("logging", flush=True)
            more -= bool(requested())
            if not more:
                print(step, flush=True)
                honour(requested())
            time.sleep(0.01)


if __name__ == "__main__":
    work(**json.loads(sys.argv[1]))
    print("done", os.getpid(), flush=True)
