"""Makes the training stage of an experiment, in a process of its own for tests that kill it."""

from __future__ import annotations

import sys
from pathlib import Path

from hydra import compose, initialize_config_dir

from occpred.artifacts.store import ArtifactStore
from occpred.config import CONF, register_schemas, to_experiment
from occpred.stages.road import plan


def train(overrides: list[str]) -> Path:
    """Return the artifact's folder."""
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        experiment = to_experiment(compose("config", overrides))
    store = ArtifactStore(Path(experiment.store))
    trained = plan(experiment).evaluated.answer.predictor
    store.make_all([trained])
    return store.folder(trained)


if __name__ == "__main__":
    train(sys.argv[1:])
