"""Processes of a single run that leave no traces, where Hydra would have each make a folder of its own."""

from __future__ import annotations

from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write

from occpred.distributed.place import Place

_WARNINGS_ONLY = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
}


class Traceless(Callback):
    """Leaves it to the first process of a run to make the run's folder and to log into it, unless it only plans.

    The folder's name holds the time at which a process began, so those that torchrun or `srun` start would make one
    each.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Where this is another process, or only plans, let Hydra write nothing, and log nothing but warnings."""
        place = Place.given()
        if (place is None or place.rank == 0) and not config.plan:
            return
        with read_write(config), open_dict(config):
            config.hydra.run.dir = "."
            config.hydra.output_subdir = None
            config.hydra.job_logging = _WARNINGS_ONLY
