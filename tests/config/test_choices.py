"""Every file a user can choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from occpred.config import CONF, to_experiment
from occpred.experiment import Experiment
from occpred.settings import Settings

GIVEN_BY_USER = {
    "taxonomy.path": "onet",
    "careers.path": "careers",
    "split.validation_from": "2010",
    "split.test_from": "2012",
    "backbone.name": "model",
    **{
        f"{chat}.{name}": value
        for chat in ("chat", "teacher.chat", "judge.chat")
        for name, value in {"base_url": "http://localhost/v1", "model": "model", "folder": "batches"}.items()
    },
}
"""What a user has to give where a choice cannot know it."""

GROUPS_OF_PARTS = {"chat"}
"""Their choices are parts of components: `chat@teacher.chat=openai`."""

CHOICES = sorted(path for path in CONF.glob("*/*.yaml") if path.parent.name not in ("experiments", "sweeps"))
EXPERIMENTS = sorted(CONF.glob("experiments/*.yaml"))
SWEEPS = sorted(CONF.glob("sweeps/*.yaml"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}={path.stem}"


def with_what_is_missing(compose: Callable[..., DictConfig], *overrides: str, **choices: str) -> DictConfig:
    config = compose(*overrides, **choices)
    for key, value in GIVEN_BY_USER.items():
        if is_missing(config, key):
            OmegaConf.update(config, key, value)
    return config


def is_missing(config: DictConfig, key: str) -> bool:
    parent, _, name = key.rpartition(".")
    for part in parent.split("."):
        if part not in config:  # also where it is missing itself
            return False
        config = config[part]
    return OmegaConf.is_missing(config, name)


def test_there_are_choices_for_every_component() -> None:
    groups = {path.parent.name for path in CHOICES}
    components = {
        field.name
        for field in fields(Experiment)
        if field.name not in ("name", "question", "store", "seed", "sweep", "merge", "dry_run", "plan", "judge_labels")
    }
    assert groups - GROUPS_OF_PARTS == components


@pytest.mark.parametrize("file", CHOICES, ids=name_of)
def test_every_choice_becomes_a_component_and_repeats_no_default(
    composed_of: Callable[..., DictConfig], file: Path
) -> None:
    group = file.parent.name
    if group in GROUPS_OF_PARTS:
        config = with_what_is_missing(composed_of, f"chat@teacher.chat={file.stem}", teacher="endpoint").teacher.chat
    else:
        config = with_what_is_missing(composed_of, **{group: file.stem})[group]
    assert isinstance(OmegaConf.to_object(config), Settings)
    repeated = dict(repeated_defaults(yaml.safe_load(file.read_text(encoding="utf-8")) or {}, config))
    assert not repeated, "these values have their home in the component's source file"


@pytest.mark.parametrize("file", CHOICES + EXPERIMENTS + SWEEPS, ids=name_of)
def test_every_choice_says_what_it_is(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[lines[0] == "# @package _global_"].startswith("# ")


@pytest.mark.parametrize("file", EXPERIMENTS + SWEEPS, ids=name_of)
def test_every_experiment_and_sweep_becomes_an_experiment(composed: Callable[..., DictConfig], file: Path) -> None:
    experiment = to_experiment(with_what_is_missing(composed, name_of(file)))
    if file in EXPERIMENTS:
        assert experiment.name == file.stem
        assert experiment.question


def test_without_a_choice_the_defaults_become_an_experiment(composed: Callable[..., DictConfig]) -> None:
    assert isinstance(to_experiment(composed()), Experiment)


def repeated_defaults(given: dict[str, Any], config: DictConfig, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a file that the component it configures would have had without it."""
    component = OmegaConf.get_type(config)
    defaults = {field.name: field for field in fields(component)}
    for name, value in given.items():
        if name == "defaults":
            continue
        if isinstance(value, dict) and issubclass(OmegaConf.get_type(config, name), Settings):
            yield from repeated_defaults(value, config[name], f"{prefix}{name}.")
        elif plain(default_of(defaults[name])) == value:
            yield f"{prefix}{name}", value


def default_of(field: Any) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def plain(value: Any) -> Any:
    return value.name if isinstance(value, Enum) else value


def test_a_repeated_default_would_be_found() -> None:
    experiment = OmegaConf.structured(Experiment)
    given = {
        "seed": 0,
        "name": "mine",
        "optimizer": {"epochs": 8, "batch_size": 3},
        "backbone": {"precision": "BFLOAT16"},
    }
    assert dict(repeated_defaults(given, experiment)) == {
        "seed": 0,
        "optimizer.epochs": 8,
        "backbone.precision": "BFLOAT16",
    }
