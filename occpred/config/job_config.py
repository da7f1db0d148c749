"""The config of one job of a sweep, where what it makes is settled already."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, open_dict, read_write


def config_of_job(master: DictConfig, overrides: Sequence[str], number: int) -> DictConfig:
    """The sweep's config, with what tells this job from others: its number, its overrides, and so its folder."""
    # The folder's name holds the time. What reads it first settles it: if this was a copy, each would have its own, and
    # if it was another process, too.
    folder = Path(master.hydra.sweep.dir).absolute()
    config = copy.deepcopy(master)
    with read_write(config), open_dict(config):
        config.hydra.job.num = number
        config.hydra.job.id = str(number)
        config.hydra.overrides.task = list(overrides)
        config.hydra.sweep.dir = str(folder)
    return config
