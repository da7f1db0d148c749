"""What a launcher runs for each job of a sweep, in this process or in another."""

from __future__ import annotations

import gc
import logging
import traceback
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from occpred.config.complaints import readable
from occpred.config.conversion import to_experiment

logger = logging.getLogger(__name__)


class JobError(Exception):
    """Says in one line why a job ended.

    It stands for the error that ended it, which may not survive the way back from another process, and which would
    hold on to the job's model, and its memory, until the sweep is over.
    """


@dataclass(frozen=True)
class SweepTask:
    """Makes the artifacts of a job and prints no table: the sweep ends with one."""

    labels: tuple[str, ...]
    """What to call each job, by its number."""

    def __call__(self, config: DictConfig) -> None:
        """Run the job that `config` describes.

        Raises:
            JobError: whatever went wrong; the traceback is in the job's folder.
        """
        hydra = HydraConfig.get()
        logger.info("[%d/%d] %s", hydra.job.num + 1, len(self.labels), self.labels[hydra.job.num])
        failure = ""
        try:
            experiment = to_experiment(config)
            from occpred.stages.road import make

            make(experiment, OmegaConf.to_yaml(config, resolve=True))
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
