"""Logs steps until it is told to stop, in a process of its own for tests that end it; options as JSON.

`folder` is the run's; it goes on from `first_step`, and ends by itself before `end` unless it is `null`. After SIGTERM
it still logs `more` steps, as a training that saves its state before it ends.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from itertools import count
from pathlib import Path

from occpred.interruption import heeded, honour, postponed, requested
from occpred.tracking.wandb_tracking import WandbTracking
from tests.tracking.run_example import RUN


def work(folder: str, first_step: int = 1, end: int | None = None, more: int = 3) -> None:
    tracking = WandbTracking(interrupted_timeout_seconds=25.0)  # however busy this machine is
    with heeded(signal.SIGTERM), postponed(), tracking.open(RUN, {}, Path(folder)) as tracker:
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
