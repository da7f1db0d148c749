"""The config of one job of a sweep, where what it makes is settled already."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, open_dict, read_write


def config_of_job(master: DictConfig, overrides: Sequence[str], number: int) -> DictConfig:
    """The sweep's config, with what tells this job from others: its number, its overrides, and so its folder."""
    config = copy.deepcopy(master)
    with read_write(config), open_dict(config):
        config.hydra.job.num = number
        config.hydra.job.id = str(number)
        config.hydra.overrides.task = list(overrides)
        # The folder's name holds the time, which another process would read anew, in another folder perhaps.
        config.hydra.sweep.dir = str(Path(config.hydra.sweep.dir).absolute())
    return config
