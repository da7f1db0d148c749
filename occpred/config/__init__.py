"""The door: what Hydra composes becomes one typed `Experiment`, or one readable line of complaint."""

from __future__ import annotations

from occpred.config.complaints import readable
from occpred.config.conversion import to_experiment
from occpred.config.launchers import refuse_launcher_of_single_run, register_launchers
from occpred.config.overview import as_yaml, overview
from occpred.config.pasted_key import refuse_pasted_keys
from occpred.config.schemas import CONF, register_schemas
from occpred.config.sweeper import register_sweeper

__all__ = [
    "CONF",
    "as_yaml",
    "overview",
    "readable",
    "refuse_launcher_of_single_run",
    "refuse_pasted_keys",
    "register_launchers",
    "register_schemas",
    "register_sweeper",
    "to_experiment",
]
