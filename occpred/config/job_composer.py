"""Composing the configs of a sweep's jobs, which Hydra would compose one by one, each from its files."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, open_dict


class JobComposer:
    """Gives what Hydra's `load_sweep_config` gives, less the `hydra` node, in a fraction of the time.

    Hydra first merges the files that a job chooses (`experiments=joint`), then sets the job's values (`seed=1`). So
    jobs of the same choices share the first step, and each file is read once for all jobs.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        assert isinstance(loader, ConfigLoaderImpl)
        hydra = master.hydra
        _, self._files = loader._parse_overrides_and_create_caching_repo(
            hydra.job.config_name, list(hydra.overrides.hydra)
        )
        self._loader = copy.copy(loader)
        self._loader.repository = _ReadOnce(self._files)  # type: ignore[assignment]
        self._master = master
        self._merged: dict[tuple[str, ...], tuple[DictConfig, Any]] = {}

    def __call__(self, overrides: Sequence[str]) -> DictConfig:
        """Compose the config of one job, and let its interpolations see Hydra's. Raises what Hydra raises."""
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        values = [override for override in parsed if self._is_value(override)]
        choices = tuple(str(override.input_line) for override in parsed if override not in values)
        if choices not in self._merged:
            self._merged[choices] = self._merge(choices)
        merged, HydraConfig.instance().cfg = self._merged[choices]
        config = copy.deepcopy(merged)
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
        return config

    def _merge(self, choices: Sequence[str]) -> tuple[DictConfig, Any]:
        config = self._loader.load_sweep_config(self._master, list(choices))
        HydraConfig.instance().set_config(config)
        merged = copy.deepcopy(config)
        with open_dict(merged):
            del merged["hydra"]
        return merged, HydraConfig.instance().cfg

    def _is_value(self, override: Override) -> bool:
        """Hydra's own distinction, except that what goes into its own node belongs to the first step."""
        is_choice = self._files.group_exists(override.key_or_group)
        return not override.is_hydra_override() and (not is_choice or isinstance(override.value(), dict))


class _ReadOnce(CachingConfigRepository):
    """Hydra copies its repository for each config that it composes, and reads all files again; not so this one."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _ReadOnce:
        return self

    def load_config(self, config_path: str) -> ConfigResult | None:
        return copy.deepcopy(super().load_config(config_path))
