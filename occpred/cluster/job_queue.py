"""Jobs that run side by side, as many at a time as there are shares of a machine."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from occpred.cluster.job_process import LOOK_EVERY_SECONDS, SECONDS_TO_SAVE, JobProcess, stop
from occpred.interruption import postponed

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What a process of its own is to do, and where its output goes; see `JobProcess`."""

    work: Callable[[], Any]
    log: Path


def run_side_by_side(
    jobs: Sequence[Job], shares: Sequence[Mapping[str, str]], ended: Callable[[int, JobProcess], None]
) -> None:
    """Run jobs, in their order, whenever a share is free. Where this process is interrupted, they are told to stop.

    Args:
        jobs: what to run.
        shares: for each of those that run at a time, what to set in its environment.
        ended: told of each job that ended: its number among `jobs`, and its process.
    """
    waiting = deque(enumerate(jobs))
    free = deque(shares)
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and free:
                with postponed():  # no process is started without being known here
                    running.append(_Running.start(*waiting.popleft(), free.popleft()))
            time.sleep(LOOK_EVERY_SECONDS)
            for each in [each for each in running if each.process.has_ended()]:
                running.remove(each)
                free.append(each.share)
                ended(each.number, each.process)
    except BaseException:
        logger.info("telling %d running jobs to stop: %d s to save themselves", len(running), SECONDS_TO_SAVE)
        stop([each.process for each in running])
        raise


@dataclass(frozen=True, eq=False)
class _Running:
    number: int
    share: Mapping[str, str]
    process: JobProcess

    @classmethod
    def start(cls, number: int, job: Job, share: Mapping[str, str]) -> _Running:
        return cls(number, share, JobProcess(job.work, job.log, share))
