"""The launchers that Hydra does not bring with it."""

from __future__ import annotations

from hydra.core.plugins import Plugins

from occpred.config.local_launcher import LocalLauncher
from occpred.config.slurm_launcher import SlurmLauncher


def register_launchers() -> None:
    """Make them known to Hydra, which accepts plugins only under names of this package."""
    for launcher in (LocalLauncher, SlurmLauncher):
        Plugins.instance().class_name_to_class[f"hydra_plugins.occpred.{launcher.__name__}"] = launcher
