"""What a launcher runs for each job of a sweep, in this process or in another."""

from __future__ import annotations

import gc
import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from occpred.config.complaints import readable
from occpred.stages.work import Work

logger = logging.getLogger(__name__)


class JobError(Exception):
    """Says in one line why a job ended.

    It stands for the error that ended it, which may not survive the way back from another process, and which would
    hold on to the job's model, and its memory, until the sweep is over.
    """


@dataclass(frozen=True)
class SweepTask:
    """Makes what a job is to make, and prints no table: the sweep ends with one.

    What it makes was settled when the sweep began. The config that a launcher composes, perhaps much later and from
    files that were edited meanwhile, only says where the job's folder is.
    """

    works: Mapping[int, Work]
    """By the numbers of the jobs, which a launcher counts through the whole sweep."""

    def __call__(self, config: DictConfig) -> None:
        """Make the work of the job that runs.

        Raises:
            JobError: whatever went wrong; the traceback is in the job's folder.
            Interrupted: the job was told to stop, and has saved what it can go on from.
        """
        hydra = HydraConfig.get()
        work = self.works[hydra.job.num]
        logger.info("[%d] %s", hydra.job.num, work)
        failure = ""
        try:
            from occpred.stages.road import make_work

            make_work(work)
        except Exception as error:
            failure = in_one_line(error)
            logger.info("failed: %s (traceback in %s)", failure, keep_traceback(error, Path(hydra.runtime.output_dir)))
        # A model in a circle of references would keep its memory while the next job needs it.
        gc.collect()
        if failure:
            raise JobError(failure)


def in_one_line(error: Exception) -> str:
    """Say what went wrong: to the user, where it is the user's mistake, else by the error's type and message."""
    message = str(error) if isinstance(error, JobError) else readable(error)
    if message is None:
        message = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
    return " ".join(message.split())


def keep_traceback(error: Exception, folder: Path) -> Path:
    """Add the error's traceback to `traceback.txt` in `folder`, and return that file."""
    file = folder / "traceback.txt"
    with file.open("a", encoding="utf-8") as text:
        text.writelines(traceback.format_exception(error))
    return file
