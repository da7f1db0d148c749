"""From what Hydra composed to components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from occpred.config.complaints import unknown_key, wrong_type
from occpred.experiment import Experiment
from occpred.settings import SettingError, Settings, range_errors


def to_experiment(config: DictConfig) -> Experiment:
    """Turn a composed config into components. Nothing below this line knows of Hydra or OmegaConf.

    Raises:
        SettingError: a key that no component has, or a value out of range; the message names the key.
        OmegaConfBaseException: a mandatory value is missing, or an interpolation leads nowhere.
    """
    for message in _errors_within(config):
        raise SettingError(message)
    experiment = OmegaConf.to_object(config)
    assert isinstance(experiment, Experiment)
    return experiment


def _errors_within(config: DictConfig, key: str = "") -> Iterator[str]:
    """Find what OmegaConf lets pass: added keys, lists inside lists, values out of range or at odds with each other."""
    kind = OmegaConf.get_type(config)
    prefix = f"{key}." if key else ""
    values = {str(name): config[name] for name in config if not OmegaConf.is_missing(config, name)}
    if isinstance(kind, type) and issubclass(kind, Settings):
        known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
        yield from (unknown_key(f"{prefix}{name}", kind) for name in values if name not in known)
        yield from (wrong_type(f"{prefix}{name}", value, kind) for name, value in values.items() if _is_nested(value))
        yield from range_errors(kind, values, prefix)
    for name, value in values.items():
        if isinstance(value, DictConfig):
            yield from _errors_within(value, f"{prefix}{name}")
    try:
        OmegaConf.to_object(config)
    except SettingError as error:
        # The component does not know under which key the user addresses it.
        yield f"{key}{str(error).removeprefix(getattr(kind, '__name__', ''))}"


def _is_nested(value: Any) -> bool:
    return isinstance(value, ListConfig) and any(isinstance(entry, DictConfig | ListConfig) for entry in value)
