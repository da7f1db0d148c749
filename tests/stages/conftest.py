"""A whole experiment, small enough to run many times."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from occpred.config import CONF, register_schemas, to_experiment
from occpred.experiment import Experiment

# A model of the real architecture whose weights are random: the road is under test here, not what it leads to.
SMALL = [
    "experiments=demo",
    "careers.num_people=60",
    "backbone.random_init=true",
    "+backbone.architecture={model_type: qwen3, vocab_size: 4096, hidden_size: 32, intermediate_size: 48, "
    "num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1, head_dim: 16}",
    "selection=none",
    "optimizer.epochs=1",
    "trainer.validation_examples=2",
    "trainer.validate_every_steps=10",
    "trainer.checkpoint_every_steps=2",
    "evaluation.bootstrap_samples=100",
    "ranking.free_text.generation.max_new_tokens=4",
    "baselines.career.max_epochs=1",
    "baselines.gru4rec.max_epochs=1",
]

MakeExperiment = Callable[..., Experiment]


@cache
def _composed(*overrides: str) -> Experiment:
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return to_experiment(compose("config", [*SMALL, *overrides]))


def small_experiment_in(store: Path, *overrides: str) -> Experiment:
    """The small experiment, with more overrides on top. To compose one takes most of a second, so each is kept."""
    return replace(deepcopy(_composed(*overrides)), store=str(store))


@pytest.fixture
def small_experiment(tmp_path: Path) -> MakeExperiment:
    """Gives the small experiment, with more overrides on top, in a store of this test's own."""
    return partial(small_experiment_in, tmp_path / "artifacts")
