"""The launchers that Hydra does not bring with it."""

from __future__ import annotations

from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import RunMode

from occpred.config.local_launcher import LocalLauncher
from occpred.config.slurm_launcher import SlurmLauncher
from occpred.errors import UserError

_BASIC = "basic"
"""Hydra's own launcher, which is no launcher to speak of: this process."""


def register_launchers() -> None:
    """Make them known to Hydra, which accepts plugins only under names of this package."""
    for launcher in (LocalLauncher, SlurmLauncher):
        Plugins.instance().class_name_to_class[f"hydra_plugins.occpred.{launcher.__name__}"] = launcher


def refuse_launcher_of_single_run() -> None:
    """Complain where Hydra would run in this process what was meant for another, and say nothing.

    Raises:
        UserError: a launcher was given, but no sweep.
    """
    hydra = HydraConfig.get()
    launcher = hydra.runtime.choices["hydra/launcher"]
    if hydra.mode is RunMode.RUN and launcher != _BASIC:
        raise UserError(f"hydra/launcher={launcher}: launches the jobs of a sweep; add -m, also for a sweep of one run")
