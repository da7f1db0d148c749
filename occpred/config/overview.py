"""A config as a report shows it: what was chosen for each group, and the values of all settings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

Overview = dict[str, Any]
_HYDRA = "hydra/"


def overview(config: DictConfig) -> Overview:
    """The choices and the settings of the config that Hydra composed last.

    Without the choices two components that have the same settings, or none, could not be told apart.
    """
    chosen = HydraConfig.get().runtime.choices
    return {
        "choices": {group: chosen[group] for group in sorted(chosen) if chosen[group] and not group.startswith(_HYDRA)},
        "settings": OmegaConf.to_container(config, resolve=True, enum_to_str=True),
    }


def in_common(overviews: Sequence[Overview]) -> Overview:
    """What all of them say alike: without an axis of a sweep, and without what a choice on such an axis brings."""
    return reduce(_alike, overviews) if overviews else {}


def as_yaml(overview: Overview) -> str:
    """Write it out, in the order in which it was composed."""
    return OmegaConf.to_yaml(overview)


def _alike(one: Overview, other: Overview) -> Overview:
    """The entries that two nested mappings share; a mapping that shares none is left out."""
    both: Overview = {}
    for key, value in one.items():
        if key in other and value == other[key]:
            both[key] = value
        elif isinstance(value, dict) and isinstance(other.get(key), dict) and (inner := _alike(value, other[key])):
            both[key] = inner
    return both
